"""Importing documents: what each becomes, the questions before, and the commands and pages that ask them."""
