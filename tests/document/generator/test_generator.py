"""Generated documents: the share of targets that are read right, undamaged and after copy and paste.

`make test` reads a few hundred, `make fuzz` (TOCSIN_FUZZ=long) 20,000 in several processes. Both print the figures.
"""

from __future__ import annotations

import os
from random import Random

import pytest

from tests.document.generator.damage import DAMAGES
from tests.document.generator.facts import languages
from tests.document.generator.shapes import SHAPES
from tests.document.generator.trial import (
    DOUBTED,
    INVENTED,
    MERGED,
    RIGHT,
    Trial,
    compare_targets,
    count_outcomes,
    format_figures,
    try_numbers,
    write_document,
)
from tests.tables import PrintTable

_LONG = os.environ.get("TOCSIN_FUZZ") == "long"
_COUNT = 20_000 if _LONG else 400
_MIN_RIGHT = 0.99  # share of targets in undamaged documents
_MIN_RIGHT_OR_DOUBTED = 0.95  # share of targets in damaged documents


def share(trials: list[Trial], *outcomes: str) -> float:
    counts = count_outcomes(trials)
    return sum(counts[outcome] for outcome in outcomes) / counts.total()


@pytest.mark.slow
def test_targets_of_generated_documents_are_read_right_or_doubted(print_table: PrintTable) -> None:
    trials = try_numbers(range(_COUNT), processes=(os.cpu_count() or 1) if _LONG else 1)
    figures = format_figures(trials)
    print_table(f"{_COUNT} generated documents", figures)
    undamaged = [trial for trial in trials if not trial.damages]
    damaged = [trial for trial in trials if trial.damages]
    merged = [f"{trial.number}: {trial.differences}" for trial in trials if MERGED in trial.outcomes]
    assert not merged
    assert share(undamaged, RIGHT) >= _MIN_RIGHT, figures
    assert share(damaged, RIGHT, DOUBTED) >= _MIN_RIGHT_OR_DOUBTED, figures


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_names_each_of_its_targets(shape: str) -> None:
    documents = [write_document(number, damaged=False) for number in range(0, 400, 2)]
    texts = [(document, text) for document, name, _, text in documents if name == shape]
    assert texts
    for document, text in texts:
        for target in document.targets:
            values = [target.role, target.name, target.salutation, *target.emails, *target.faxes, *target.address]
            assert all(value in text for value in values if value)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damage_keeps_every_word(damage: str) -> None:
    random = Random(1)  # noqa: S311
    document, _, _, text = write_document(2, damaged=False)
    words = [word.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'") for word in text.split()]
    damaged = " ".join(DAMAGES[damage](list(document.lines), random)).replace("\u200b", "").replace("\u2019", "'")
    remaining = iter(damaged.split())
    assert all(any(word == other for other in remaining) for word in words)


def test_a_number_always_gives_the_same_document() -> None:
    assert write_document(31, damaged=True)[3] == write_document(31, damaged=True)[3]
    assert len({write_document(number, damaged=True)[3] for number in range(50)}) == 50


def test_all_languages_have_the_same_words() -> None:
    english = languages()["en"]
    for words in languages().values():
        assert words.keys() == english.keys()
        for template in ("old", "new"):
            assert words[template].keys() == english[template].keys()


def test_two_targets_in_one_without_a_warning_are_silently_merged() -> None:
    one = {"role": "Minister", "name": "Rosa Muestra", "emails": ["rosa@example.org"], "faxes": []}
    two = {"role": "Prosecutor", "name": "Pedro Alba", "emails": ["pedro@example.org"], "faxes": []}
    both = {
        "role": "Minister",
        "name": "Rosa Muestra",
        "emails": ["rosa@example.org", "pedro@example.org"],
        "faxes": [],
    }
    assert compare_targets([one, two], [both])[0] == [MERGED, "wrong"]
    assert compare_targets([one, two], [one, two])[0] == [RIGHT, RIGHT]
    assert compare_targets([one], [one, {**two, "name": "Nobody"}])[0] == [RIGHT, INVENTED]
