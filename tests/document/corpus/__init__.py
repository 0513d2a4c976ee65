"""The corpus: all invented documents with the values that a careful person would enter, and a table of what is read.

`python -m tests.document.corpus` prints the table and every fault; `--write-budget` stores the counts as the budget.
"""

from __future__ import annotations
