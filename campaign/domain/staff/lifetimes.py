"""Lifetimes of invitations, reset links and log-ins, and the minimum length of a password."""

from __future__ import annotations

from datetime import timedelta

PASSWORD_LENGTH = 12
INVITATION_LIFETIME = timedelta(days=7)
RESET_LIFETIME = timedelta(hours=1)
# A log-in ends overnight.
SESSION_LIFETIME = timedelta(hours=12)
# Exports and changes of accounts require the password again if it was entered longer ago than this.
FRESHNESS = timedelta(minutes=15)
