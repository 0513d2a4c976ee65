"""Tests of the installed system."""
