"""The database engine and how statements are written."""
