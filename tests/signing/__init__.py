"""Tests: Signing, confirming, withdrawing, erasing; links to the signer's own data."""
