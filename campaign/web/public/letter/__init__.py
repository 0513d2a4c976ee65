"""The letter and its sending by every channel."""
