"""The parts of a document: header, blocks, letter, targets."""
