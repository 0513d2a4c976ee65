"""Accounts, log-in, roles, audit."""
