"""Work on text that is independent of the template: lines, quoting, wrapping, Markdown marks."""
