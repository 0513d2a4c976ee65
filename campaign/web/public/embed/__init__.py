"""The form and the counter on other sites."""
