"""The command that prints the table of the corpus and every fault."""

from __future__ import annotations

import argparse
import sys

from tests.document.corpus.judgement import RIGHT
from tests.document.corpus.table import excesses, format_table, judge_corpus, read_budget, write_budget


def main() -> int:
    """Print faults, table and excesses; return 1 if the corpus is read worse than the budget allows."""
    parser = argparse.ArgumentParser(prog="python -m tests.document.corpus", description=__doc__)
    parser.add_argument("--write-budget", action="store_true", help="store today's counts as the budget")
    parser.add_argument("document", nargs="*", help="print only the faults of documents with this in their name")
    arguments = parser.parse_args()
    judgements = judge_corpus()
    lines: list[str] = []
    for judgement in judgements:
        names = arguments.document
        if judgement.outcome != RIGHT and (not names or any(name in judgement.document for name in names)):
            lines.append(str(judgement))
    lines.append(format_table(judgements))
    if arguments.write_budget:
        write_budget(judgements)
    above = excesses(judgements, read_budget())
    sys.stdout.write("\n".join([*lines, *above]) + "\n")
    return 1 if above else 0


raise SystemExit(main())
