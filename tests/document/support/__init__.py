"""Tests: Helpers of this folder."""
