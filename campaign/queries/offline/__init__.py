"""Bulk entries and paper sheets."""
