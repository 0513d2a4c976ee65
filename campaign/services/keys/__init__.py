"""The encryption keys of rows, and the digest keys of months."""
