"""Charts, maps and posters."""
