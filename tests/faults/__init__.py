"""Faults: killed processes, hostile mail servers, floods; with real processes on both databases."""
