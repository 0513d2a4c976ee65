"""Pages of the site itself, and for machines."""
