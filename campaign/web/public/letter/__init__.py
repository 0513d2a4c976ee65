"""The letter, by every channel."""
