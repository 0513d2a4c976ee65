"""Short-lived caches of data, pages and whole answers."""
