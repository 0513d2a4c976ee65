"""Pages of a supporter's own data."""
