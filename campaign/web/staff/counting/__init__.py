"""The counts and the funnel."""
