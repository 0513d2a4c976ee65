"""A trial: a document is written from a number, read, and its targets compared with the facts."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from random import Random
from typing import Any

from campaign.document import DocumentError, read_document
from tests.document.corpus.alignment import align_targets
from tests.document.corpus.doubts import Doubts
from tests.document.corpus.judgement import Judgement, judge_fields
from tests.document.corpus.table import format_table
from tests.document.generator.damage import DAMAGES, ORDER
from tests.document.generator.facts import invent_facts, languages
from tests.document.generator.shapes import SHAPES, WrittenDocument

RIGHT, DOUBTED, WRONG, MERGED, INVENTED, REFUSED = (
    "right", "doubted", "wrong", "silently merged", "invented", "refused",
)  # fmt: skip
OUTCOMES = (RIGHT, DOUBTED, WRONG, MERGED, INVENTED, REFUSED)
Target = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Trial:
    """A document, what was done to it, and the outcome of each of its targets."""

    number: int
    language: str
    shape: str
    damages: tuple[str, ...]
    text: str
    outcomes: tuple[str, ...]
    differences: tuple[str, ...]
    fields: tuple[Judgement, ...]  # of an undamaged document


def write_document(number: int, *, damaged: bool) -> tuple[WrittenDocument, str, tuple[str, ...], str]:
    """Return the document of a number, the name of its shape, its damages, and its text."""
    random = Random(number)  # noqa: S311
    shape = random.choice(list(SHAPES))
    write, only = SHAPES[shape]
    document = write(invent_facts(random, random.choice(only or tuple(languages()))), random)
    damages = tuple(sorted(random.sample(ORDER, k=random.choice((1, 1, 2))), key=ORDER.index)) if damaged else ()
    lines = list(document.lines)
    for damage in damages:
        lines = DAMAGES[damage](lines, random)
    return document, shape, damages, "\n".join(lines) + "\n"


def try_number(number: int, *, damaged: bool) -> Trial:
    """Write and read the document of a number, and compare its targets."""
    document, shape, damages, text = write_document(number, damaged=damaged)
    expected = [target.expected() for target in document.targets]
    try:
        draft, lines = read_document(text.encode(), f"generated.{document.facts.language}.txt")
    except DocumentError as error:
        outcomes, differences = [REFUSED] * len(expected), [f"refused: {error.code}"]
        judgements: list[Judgement] = []
    else:
        doubts, got = Doubts(draft, lines), draft.to_json()
        outcomes, differences = compare_targets(expected, got["targets"], doubts, is_exact=not damaged)
        judgements = [] if damaged else judge_fields(f"{number}", document.fields, got, doubts)
    return Trial(
        number, document.facts.language, shape, damages, text, tuple(outcomes), tuple(differences), tuple(judgements)
    )


def compare_targets(
    expected: list[Target], got: list[Target], doubts: Doubts | None = None, *, is_exact: bool = True
) -> tuple[list[str], list[str]]:
    """Return the outcome of each target, and a line for each that is not right."""
    outcomes, differences = [], []
    for right, target in align_targets(expected, got):
        outcome = _outcome(right, target, expected, doubts, is_exact=is_exact)
        outcomes.append(outcome)
        if outcome != RIGHT:
            differences.append(f"{outcome}: expected {right}, got {target}")
    return outcomes, differences


def _outcome(
    right: Target | None, target: Target | None, expected: list[Target], doubts: Doubts | None, *, is_exact: bool
) -> str:
    if right is not None and target is not None and _is_equal(right, target, is_exact=is_exact):
        return RIGHT
    if doubts and doubts.cover("targets", right or {}, target or {}):
        return DOUBTED
    if target is not None and sum(_is_within(each, target) for each in expected) > 1:
        return MERGED
    return INVENTED if right is None else WRONG


def _is_equal(right: Target, target: Target, *, is_exact: bool) -> bool:
    """Return whether two targets have the same values; after damage, whether they have the same words in order."""
    if is_exact:
        return right == target
    return all(_plain(right[field]) == _plain(target[field]) for field in right)


def _plain(value: Any) -> str:
    """Return the words of a value, without case, marks and kinds of space."""
    if isinstance(value, dict):
        value = [part for item in sorted(value.items()) for part in item]
    text = " ".join(value) if isinstance(value, list) else value or ""
    return " ".join(re.findall(r"[\w@.+]+", unicodedata.normalize("NFKC", text).replace("\u200b", "").casefold()))


def _is_within(right: Target, target: Target) -> bool:
    """Return whether the name or a contact of a right target stands in one that was read."""
    text = _plain(list(_texts(target)))
    marks = [right["name"] or right["role"], *right["emails"], *right["faxes"]]
    return any(_plain(mark) in text for mark in marks if mark)


def _texts(target: Target) -> Iterable[str]:
    for value in target.values():
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from value


def try_numbers(numbers: Iterable[int], *, processes: int = 1) -> list[Trial]:
    """Return the trials of the numbers: an even number is undamaged, an odd one damaged."""
    if processes == 1:
        return [_try_one(number) for number in numbers]
    with ProcessPoolExecutor(processes) as pool:
        return list(pool.map(_try_one, numbers, chunksize=50))


def _try_one(number: int) -> Trial:
    return try_number(number, damaged=number % 2 == 1)


def count_outcomes(trials: Iterable[Trial]) -> Counter[str]:
    """Return how many targets have each outcome."""
    return Counter(outcome for trial in trials for outcome in trial.outcomes)


def format_figures(trials: list[Trial]) -> str:
    """Return a table of the outcomes by shape, language and damage."""
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        state = "damaged" if trial.damages else "undamaged"
        names = [state, f"{state}, {trial.shape}", f"{state}, {trial.language}"]
        names += [f"damaged by {damage}" for damage in trial.damages]
        for name in names:
            groups.setdefault(name, []).append(trial)
    rows = [f"{'targets':<36}" + "".join(f"{outcome:>17}" for outcome in ("documents", *OUTCOMES))]
    for name, group in sorted(groups.items()):
        counts = count_outcomes(group)
        cells = [str(len(group)), *(str(counts[outcome]) for outcome in OUTCOMES)]
        rows.append(f"{name:<36}" + "".join(f"{cell:>17}" for cell in cells))
    fields = [judgement for trial in trials for judgement in trial.fields]
    return "\n".join(rows) + "\n\nfields of undamaged documents that were read\n" + format_table(fields)
