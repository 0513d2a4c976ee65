"""The table of the corpus by field, and the budget: how many values of each field may be other than right."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from tests.document.corpus.documents import corpus_documents
from tests.document.corpus.judgement import (
    INVENTED,
    MISSING,
    MISSING_SILENT,
    RIGHT,
    WRONG,
    WRONG_SILENT,
    Judgement,
    count_outcomes,
    judge,
)

BUDGET = Path(__file__).parent / "budget.json"
OUTCOMES = (RIGHT, WRONG, WRONG_SILENT, MISSING, MISSING_SILENT, INVENTED)
_HEADINGS = ("right", "wrong", "", "missing", "", "invented")
_SUBHEADINGS = ("", "warned", "unwarned", "warned", "unwarned", "")


def judge_corpus() -> list[Judgement]:
    """Read every document of the corpus and return all judgements."""
    return [judgement for document in corpus_documents() for judgement in judge(document)]


def format_table(judgements: list[Judgement]) -> str:
    """Return the table: a row for each field, a column for each outcome, and the sum."""
    counts = count_outcomes(judgements)
    total = sum(counts.values(), Counter[str]())
    rows: list[tuple[str, ...]] = [("", *_HEADINGS), ("field", *_SUBHEADINGS)]
    for field, row in (*sorted(counts.items()), ("all fields", total)):
        rows.append((field, *(str(row[outcome]) for outcome in OUTCOMES)))
    return "\n".join(f"{row[0]:<22}" + "".join(f"{cell:>10}" for cell in row[1:]) for row in rows)


def read_budget() -> dict[str, dict[str, int]]:
    """Return by field and outcome how many values are allowed; what is absent is zero."""
    budget: dict[str, dict[str, int]] = json.loads(BUDGET.read_text(encoding="utf-8"))
    return budget


def write_budget(judgements: list[Judgement]) -> None:
    """Store the counts of these judgements as the budget."""
    counts = {
        field: {outcome: row[outcome] for outcome in OUTCOMES[1:] if row[outcome]}
        for field, row in sorted(count_outcomes(judgements).items())
    }
    text = json.dumps({field: row for field, row in counts.items() if row}, indent=1)
    BUDGET.write_text(f"{text}\n", encoding="utf-8")


def excesses(judgements: list[Judgement], budget: dict[str, dict[str, int]]) -> list[str]:
    """Return a line for each outcome of a field that is above the budget, followed by all values that have it."""
    lines: list[str] = []
    for field, row in sorted(count_outcomes(judgements).items()):
        for outcome in OUTCOMES[1:]:
            allowed = budget.get(field, {}).get(outcome, 0)
            if row[outcome] > allowed:
                lines.append(f"{field}: {row[outcome]} {outcome}, {allowed} allowed")
                lines += [f"  {each}" for each in judgements if (each.field, each.outcome) == (field, outcome)]
    return lines
