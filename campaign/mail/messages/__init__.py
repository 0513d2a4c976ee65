"""The texts of the mails."""
