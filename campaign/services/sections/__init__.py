"""National sections."""
