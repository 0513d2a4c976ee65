"""Moving lines of a draft’s document from one field to another."""
