"""Importing a document: the issues of its case, the decision which of them it is, and the changes that it makes."""
