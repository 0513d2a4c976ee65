"""Keys of months and of rows."""
