"""The read side: what a page, a chart, an export or the API needs, as frozen values. Nothing here writes."""
