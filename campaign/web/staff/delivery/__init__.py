"""The state of mail, and previews of messages."""
