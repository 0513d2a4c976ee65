"""From a file to lines: PDF, Word, text."""
