"""Tests against a thief who has every table and no key."""
