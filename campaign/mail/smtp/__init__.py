"""Handing messages to a server."""
