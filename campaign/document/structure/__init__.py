"""Division of a document into its parts: header, blocks, letter, targets."""
