"""The rules of a campaign as pure functions and values: no framework, no database, no clock of their own."""
