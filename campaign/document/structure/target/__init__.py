"""The recipients of the letter: which lines belong to which, and what is told apart within a line."""
