"""Updates, outcomes, reminders and digests."""
