"""The mail that is owed."""
