"""The database engine, transactions, and building blocks for statements."""
