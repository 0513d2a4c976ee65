"""The outbox: mail that is owed, the rules for sending it, and its limits."""
