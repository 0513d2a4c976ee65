"""Lines, wrapping, quoting, marks."""
