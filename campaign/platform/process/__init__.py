"""The process itself: its progress, its watchdog, its log."""
