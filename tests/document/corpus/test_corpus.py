"""The corpus of invented documents: what is read of each field, and that it is never less than the budget says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from campaign.document import read_lines
from tests.document.corpus.alignment import align_targets
from tests.document.corpus.documents import FOLDERS, CorpusDocument, corpus_documents, document_beside
from tests.document.corpus.judgement import Judgement, judge
from tests.document.corpus.table import excesses, format_table, judge_corpus, read_budget
from tests.document.support.forms import NEW
from tests.tables import PrintTable

_TESTS = Path(__file__).parent.parent


@pytest.mark.slow
def test_the_corpus_is_read_within_its_budget(print_table: PrintTable) -> None:
    judgements = judge_corpus()
    print_table("documents of the corpus", format_table(judgements))
    lines = excesses(judgements, read_budget())
    assert not lines, "\n".join(lines)


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_json_file_has_one_document_and_every_document_a_json_file(folder: str) -> None:
    files = {path.name for path in (_TESTS / folder).iterdir()}
    expected = {name for name in files if name.endswith(".json")}
    assert {document_beside(_TESTS / folder / name).name for name in expected} | {"README.md"} >= files - expected


def texts(value: Any) -> Iterator[str]:
    """Yield every text of a JSON value except codes."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        values = value if isinstance(value, list) else [value[key] for key in value if key not in {"kind", "country"}]
        for item in values:
            yield from texts(item)


CODES = {
    "error",
    "reference",
    "series",
    "index",
    "issued_on",
    "language",
    "country",
    "languages",
    "deadline",
    "previous",
}


@pytest.mark.parametrize(
    "document",
    [document for document in corpus_documents() if document.name.startswith(("kinds/", "families/"))],
    ids=lambda document: str(document.name),
)
def test_every_right_value_stands_in_its_document(document: CorpusDocument) -> None:
    lines = read_lines(document.data, document.name.rpartition("/")[2])
    text = "\n".join(line.text.removeprefix("> ").removeprefix(">") for line in lines)
    plain = " ".join(re.sub("[\u200e*]", "", text).split())
    values = {field: value for field, value in document.expected.items() if field not in CODES}
    assert [value for value in texts(values) if " ".join(value.replace("*", "").split()) not in plain] == []


def outcomes(text: str, **expected: Any) -> set[tuple[str, str]]:
    """Return the field and outcome of each value that is not right."""
    judgements = judge(CorpusDocument("whole/case.en.md", text.encode(), expected))
    return {(judgement.field, judgement.outcome) for judgement in judgements if judgement.outcome != "right"}


TARGET = {"role": "Minister of the Interior", "name": "Pedro Alba Montes"}


def test_right_values_are_right() -> None:
    assert outcomes(NEW, reference="UA 9/24", sequence=2, deadline="2024-06-18", targets=[TARGET]) == set()


def test_a_wrong_value_without_a_warning_is_told_from_one_with() -> None:
    assert outcomes(NEW, headline="WEAVER FREE") == {("headline", "wrong")}
    text = NEW.replace("UNTIL:** 18 June 2024", "UNTIL:** 18 June")
    assert outcomes(text, deadline="2025-06-18") == {("deadline", "wrong with a warning")}


def test_a_missing_value_without_a_warning_is_told_from_one_with() -> None:
    assert outcomes(NEW, talking_points=["Calling for their protection;"]) == {("talking_points", "missing")}
    text = NEW.replace("**PLEASE TAKE ACTION AS SOON AS POSSIBLE UNTIL:** 18 June 2024", "")
    assert outcomes(text, deadline="2024-06-18") == {("deadline", "missing with a warning")}


def test_a_value_that_the_document_lacks_is_invented() -> None:
    assert outcomes(NEW, previous=None, targets=[]) == {("previous", "invented"), ("targets", "invented")}


def test_a_target_that_was_not_read_is_missing_with_its_values() -> None:
    lost_target = {"role": "Public Prosecutor", "name": "Ana Modelo"}
    assert outcomes(NEW, targets=[TARGET, lost_target]) == {
        ("targets", "missing"),
        ("targets.role", "missing"),
        ("targets.name", "missing"),
    }


def test_every_value_of_a_refused_document_is_missing_with_a_warning() -> None:
    assert outcomes("A shopping list", reference="UA 9/24", previous=None) == {
        ("document", "missing with a warning"),
        ("reference", "missing with a warning"),
    }
    assert outcomes("A shopping list", error="no-urgent-action") == set()
    assert outcomes(NEW, error="no-urgent-action") == {("document", "invented")}


def test_targets_are_paired_by_their_words_in_order() -> None:
    one, two, three = ({"name": name} for name in ("Rosa Muestra", "Pedro Alba", "Ana Modelo"))
    assert align_targets([one, two, three], [one, three]) == [(one, one), (two, None), (three, three)]
    assert align_targets([one], [two, one]) == [(None, two), (one, one)]
    assert align_targets([], [two]) == [(None, two)]


def test_a_worse_count_than_the_budget_names_document_field_and_values() -> None:
    judgements = [Judgement("whole/case.en.md", "deadline", "wrong", "2024-06-18", "2024-06-19")]
    assert excesses(judgements, {"deadline": {"wrong": 1}}) == []
    assert excesses(judgements, {}) == [
        "deadline: 1 wrong, 0 allowed",
        "  whole/case.en.md deadline: wrong: expected '2024-06-18', got '2024-06-19'",
    ]
