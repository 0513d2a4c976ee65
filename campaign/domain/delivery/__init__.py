"""Delivery of mail, and bounces."""
