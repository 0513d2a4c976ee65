"""Helpers of this folder."""
