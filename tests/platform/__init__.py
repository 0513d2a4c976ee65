"""Tests: What every layer stands on."""
