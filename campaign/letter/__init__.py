"""The letter for one supporter: as plain text, and as a link that opens it in a mail program."""
