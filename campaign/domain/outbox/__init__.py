"""The outbox: mail to be sent."""
