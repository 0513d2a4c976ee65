"""flask mail …: the outbox, bounces, previews."""
