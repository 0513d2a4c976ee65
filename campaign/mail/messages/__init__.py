"""What is written in each mail."""
