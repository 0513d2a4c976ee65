"""Tests: National sections."""
