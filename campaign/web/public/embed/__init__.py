"""The form and the counter for other sites."""
