"""Dates, countries, contacts, references."""
