"""Delivery of messages to a mail server or into a Maildir."""
