"""The outbox: mail that waits to be sent, the rules for sending it, and its limits."""
