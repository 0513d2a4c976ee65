"""The sending of due mails, and the processing of bounces."""
