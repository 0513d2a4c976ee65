"""Pages of the site itself, and endpoints for monitoring."""
