"""One process: its progress, its watchdog, its log."""
