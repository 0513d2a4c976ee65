"""Urgent Action documents, as an organisation issued them, become a `DraftAppeal` plus warnings.

`reader` turns a file into lines, `labels` says what the templates call their blocks, `parser` puts the lines in place.
Knows no framework and no database.
"""
