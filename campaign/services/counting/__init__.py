"""The counts of actions, their history and its roll-up, and the funnel."""
