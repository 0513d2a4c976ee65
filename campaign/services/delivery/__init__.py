"""The sending of owed mails, and the processing of bounces."""
