"""Tests: A thief has every table and no key."""
