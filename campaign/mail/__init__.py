"""Messages and how they leave: `message` says what is written, `transport` how it goes out."""
