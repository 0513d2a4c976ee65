"""Tests: Accounts, log-in, roles, audit."""
