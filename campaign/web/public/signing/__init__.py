"""Signing, confirming, withdrawing, erasing, and links to the own data."""
