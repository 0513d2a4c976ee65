"""The content of a document before it is edited, in the shape that `flask appeal parse --json` prints.

A missing value is `None` or empty, never invented.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class DraftTarget:
    """A recipient of the letter, with the address lines as the document has them."""

    kind: str  # primary, copy or embassy
    role: str | None = None
    name: str | None = None
    address: tuple[str, ...] = ()
    country: str | None = None  # ISO 3166-1 alpha-2
    salutation: str | None = None
    emails: tuple[str, ...] = ()
    faxes: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    social: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DraftLetter:
    """The model letter without its emphasis; `paragraphs` are the text between salutation and closing."""

    salutation: str | None
    paragraphs: tuple[str, ...]
    closing: str | None


@dataclass(frozen=True, slots=True)
class DraftPerson:
    """A person whom the case is about."""

    name: str
    pronoun: str | None = None


@dataclass(frozen=True, slots=True)
class DraftWarning:
    """A doubt that arose while reading; `line` counts from 1 in the text that was read.

    `lines` are all lines that it is about, if it is about several. They are not printed as JSON.
    """

    code: str
    message: str
    line: int
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class DraftNote:
    """Words that are neither a field nor a doubt."""

    text: str
    line: int  # from 1
    beside: str | None  # "targets.0": the field that it stands beside, or None


@dataclass(frozen=True, slots=True)
class LineUse:
    """The field that a line went to; a line may have several."""

    line: int  # from 1
    field: str  # "targets.0.address", "letter", "headline", "deadline", "note", "warning", "label", "blank"


@dataclass(frozen=True, slots=True)
class DraftAppeal:
    """One appeal in one language, as its document has it."""

    language: str  # ISO 639-1
    reference: str | None = None  # "UA 12/22"
    series: str | None = None  # "UA", "EXTRA", "OBS"; None without a reference
    sequence: int = 1
    # Whether the document says that it is an update (True) or the first issue (False); None: neither. Not printed.
    is_update: bool | None = None
    index: str | None = None
    issued_on: date | None = None
    country: str | None = None  # ISO 3166-1 alpha-2
    headline: str | None = None
    summary: str | None = None  # Markdown
    targets: tuple[DraftTarget, ...] = ()
    letter: DraftLetter | None = None
    talking_points: tuple[str, ...] = ()
    background: str | None = None  # Markdown
    languages: tuple[str, ...] = ()  # ISO 639-1, the preferred one first
    own_language: bool = False
    deadline: date | None = None
    people: tuple[DraftPerson, ...] = ()
    previous: str | None = None
    warnings: tuple[DraftWarning, ...] = ()
    notes: tuple[DraftNote, ...] = ()
    line_uses: tuple[LineUse, ...] = ()  # not printed as JSON

    def to_json(self) -> dict[str, Any]:
        """Return the appeal as JSON types, with the keys in the order of the contract."""
        order = (
            "reference series sequence index issued_on language country headline summary targets letter talking_points"
            " background languages own_language deadline people previous notes warnings"
        )
        values = asdict(self)
        for warning in values["warnings"]:
            del warning["lines"]
        return {key: _json_value(values[key]) for key in order.split()}


def _json_value(value: Any) -> Any:
    """Return the value with dates as ISO 8601 and tuples as lists, at every depth."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _json_value(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_json_value(item) for item in value]
    return value
