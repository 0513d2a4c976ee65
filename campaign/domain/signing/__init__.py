"""Signing, confirming, withdrawing, erasing; links to one's own data."""
