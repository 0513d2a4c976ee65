"""The judgement of a document: each right value beside the value that was read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from campaign.document import DocumentError, read_document
from tests.document.corpus.alignment import align_targets
from tests.document.corpus.documents import CorpusDocument
from tests.document.corpus.doubts import Doubts

RIGHT, WRONG, WRONG_SILENT, MISSING, MISSING_SILENT, INVENTED = (
    "right", "wrong with a warning", "wrong", "missing with a warning", "missing", "invented",
)  # fmt: skip
_NOT_JUDGED = frozenset({"warnings"})


@dataclass(frozen=True, slots=True)
class Judgement:
    """A value of a document: the right one, the one that was read, and how they differ."""

    document: str
    field: str  # "deadline", "targets.address"
    outcome: str
    expected: Any
    got: Any

    def __str__(self) -> str:
        """Return the judgement in a line."""
        return f"{self.document} {self.field}: {self.outcome}: expected {self.expected!r}, got {self.got!r}"


def judge(document: CorpusDocument) -> list[Judgement]:
    """Return a judgement for each value of the document; of a refused one, every value is missing with a warning."""
    try:
        draft, lines = read_document(document.data, document.name.rpartition("/")[2])
    except DocumentError as error:
        return list(_judge_refusal(document, error.code))
    if "error" in document.expected:
        return [Judgement(document.name, "document", INVENTED, document.expected["error"], "read")]
    judgements = judge_fields(document.name, document.expected, draft.to_json(), Doubts(draft, lines))
    return [Judgement(document.name, "document", RIGHT, "read", "read"), *judgements]


def judge_fields(document: str, expected: dict[str, Any], got: dict[str, Any], doubts: Doubts) -> list[Judgement]:
    """Return a judgement for each value of the fields that `expected` has."""
    values = _ValueJudge(document, doubts)
    values.judge_fields(expected, got)
    return values.judgements


def _judge_refusal(document: CorpusDocument, code: str) -> Iterator[Judgement]:
    expected = document.expected.get("error", "read")
    yield Judgement(document.name, "document", RIGHT if code == expected else MISSING, expected, code)
    for field, value in document.expected.items():
        if value and field not in _NOT_JUDGED | {"error"}:
            yield Judgement(document.name, field, MISSING, value, None)


class _ValueJudge:
    """The comparison of the right values of a document with those of a draft."""

    def __init__(self, document: str, doubts: Doubts) -> None:
        self._document = document
        self._doubts = doubts
        self.judgements: list[Judgement] = []

    def judge_fields(self, expected: dict[str, Any], got: dict[str, Any]) -> None:
        """Compare every field that `expected` has."""
        for field, value in expected.items():
            if field == "targets":
                self._judge_targets(value, got[field])
            elif field == "letter":
                self._judge_letter(value, got[field])
            elif field not in _NOT_JUDGED:
                self._judge_value(field, value, got.get(field))

    def _judge_letter(self, expected: dict[str, Any] | None, got: dict[str, Any] | None) -> None:
        for part in ("salutation", "paragraphs", "closing"):
            self._judge_value(f"letter.{part}", (expected or {}).get(part), (got or {}).get(part))

    def _judge_targets(self, expected: list[dict[str, Any]], got: list[dict[str, Any]]) -> None:
        """Compare the targets in pairs, value for value, and each as a whole."""
        for right_target, target in align_targets(expected, got):
            if right_target is None:
                self._note("targets", INVENTED, None, target)
                continue
            is_right = target is not None
            for part, value in right_target.items():
                part_got = (target or {}).get(part)
                self._judge_value(f"targets.{part}", value, part_got, context=(right_target, target))
                is_right = is_right and part_got == value
            doubted = self._doubts.cover("targets", right_target, target)
            if target is None:
                self._note("targets", MISSING if doubted else MISSING_SILENT, right_target, None)
            else:
                outcome = RIGHT if is_right else WRONG if doubted else WRONG_SILENT
                self._note("targets", outcome, right_target, target)

    def _judge_value(self, field: str, expected: Any, got: Any, *, context: Any = ()) -> None:
        if isinstance(expected, list):
            self._judge_items(field, expected, got or [], context)
        else:
            self._compare(field, expected, got, context)

    def _judge_items(self, field: str, expected: list[Any], got: list[Any], context: Any) -> None:
        """Compare two lists item by item: an item in another place than its right one is missing there."""
        matcher = SequenceMatcher(a=[repr(item) for item in expected], b=[repr(item) for item in got], autojunk=False)
        for tag, first, last, first_got, last_got in matcher.get_opcodes():
            if tag == "equal":
                for item in expected[first:last]:
                    self._note(field, RIGHT, item, item)
                continue
            for offset in range(max(last - first, last_got - first_got)):
                item = expected[first + offset] if first + offset < last else None
                item_got = got[first_got + offset] if first_got + offset < last_got else None
                self._compare(field, item, item_got, context)

    def _compare(self, field: str, expected: Any, got: Any, context: Any) -> None:
        if expected == got and type(expected) is type(got):
            if expected or expected == 0:
                self._note(field, RIGHT, expected, got)
        elif not expected and not got:
            return
        elif not expected:
            self._note(field, INVENTED, expected, got)
        else:
            is_doubted = self._doubts.cover(field, expected, got, context)
            missing, wrong = (MISSING, WRONG) if is_doubted else (MISSING_SILENT, WRONG_SILENT)
            self._note(field, wrong if got else missing, expected, got)

    def _note(self, field: str, outcome: str, expected: Any, got: Any) -> None:
        self.judgements.append(Judgement(self._document, field, outcome, expected, got))


def count_outcomes(judgements: list[Judgement]) -> dict[str, Counter[str]]:
    """Return by field how many values have each outcome."""
    counts: dict[str, Counter[str]] = {}
    for judgement in judgements:
        counts.setdefault(judgement.field, Counter())[judgement.outcome] += 1
    return counts
