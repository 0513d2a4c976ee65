"""Conversion of files into lines: PDF, Word, text."""
