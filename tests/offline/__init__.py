"""Tests: Bulk entries and paper sheets."""
