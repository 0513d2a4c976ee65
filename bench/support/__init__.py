"""The sites, the load and the report that the suites share."""
