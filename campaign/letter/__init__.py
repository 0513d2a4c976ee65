"""The letter of one supporter: as text, on paper, by fax, and as a link that opens it in a mail program."""
