"""Lists to hand over, and exports."""
