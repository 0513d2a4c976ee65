"""What breaks: killed processes, hostile mail servers, floods; real processes, both databases."""
