"""A draft as text for a terminal: the warnings first, then every field, wrapped to the width of a screen."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from babel import Locale

from campaign.document.draft import DraftAppeal, DraftTarget
from campaign.document.text.markup import to_plain

_WIDTH = 96
_LABEL_WIDTH = 13
_MAX_SHOWN = 600  # characters of summary and background
_LABELS_BY_KIND = {"primary": "To", "copy": "Copy to", "embassy": "Embassy"}
_ENGLISH = Locale("en")
_MISSING = "–"


def summarise(draft: DraftAppeal) -> str:
    """Return the draft as lines of text: warnings, then every field, with a dash for a missing value."""
    lines = _warning_lines(draft)
    for label, value in _field_rows(draft):
        lines += _wrapped_lines(f"{label:<{_LABEL_WIDTH}}", value or _MISSING)
    for target in draft.targets:
        lines += ["", *_target_lines(target)]
    if not draft.targets:
        lines += ["", f"{'To':<{_LABEL_WIDTH}}{_MISSING}"]
    return "\n".join([*lines, "", *_letter_lines(draft)]).rstrip() + "\n"


def _wrapped_lines(label: str, text: str) -> list[str]:
    """Return the text after its label, with further lines indented to the same column."""
    return textwrap.wrap(
        text, _WIDTH, initial_indent=label, subsequent_indent=" " * len(label), break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def _warning_lines(draft: DraftAppeal) -> list[str]:
    """Return the number of warnings and each warning with its line."""
    if not draft.warnings:
        return ["No warnings.", ""]
    count = len(draft.warnings)
    lines = [f"{count} warning{'s' if count > 1 else ''}:"]
    width = len(str(max(warning.line for warning in draft.warnings)))
    for warning in draft.warnings:
        lines += _wrapped_lines(f"  line {warning.line:>{width}}  ", f"{warning.message} [{warning.code}]")
    return [*lines, ""]


def _field_rows(draft: DraftAppeal) -> list[tuple[str, str]]:
    """Return the labels and texts of the fields that have one value for the appeal."""
    people = "; ".join(
        f"{person.name} ({person.pronoun})" if person.pronoun else person.name for person in draft.people
    )
    languages = [_with_code(_ENGLISH.languages, code) for code in draft.languages]
    languages += ["the writer's own language"] if draft.own_language else []
    reference = draft.reference or ""
    if draft.sequence > 1:
        reference += f" (number {draft.sequence} of its case)"
    return [
        ("Headline", draft.headline or ""),
        ("People", people),
        ("Country", _with_code(_ENGLISH.territories, draft.country)),
        ("Deadline", str(draft.deadline or "")),
        ("Reference", reference.strip()),
        ("Index", draft.index or ""),
        ("Issued on", str(draft.issued_on or "")),
        ("Previous", draft.previous or ""),
        ("Language", _with_code(_ENGLISH.languages, draft.language)),
        ("Write in", ", ".join(languages)),
        ("Summary", _shortened(draft.summary)),
        ("Background", _shortened(draft.background)),
    ]


def _with_code(names_by_code: Mapping[str, str], code: str | None) -> str:
    """Return the English name of a country or language with its code."""
    name = names_by_code.get(code) if code else None
    return f"{name} ({code})" if name else code or ""


def _shortened(text: str | None) -> str:
    flat = " ".join(to_plain(text or "").split())
    return flat if len(flat) <= _MAX_SHOWN else f"{flat[:_MAX_SHOWN].rsplit(' ', 1)[0]} … ({len(flat):,} characters)"


def _target_lines(target: DraftTarget) -> list[str]:
    """Return the lines of one target, beginning with its role and name."""
    title = ", ".join(part for part in (target.role, target.name) if part) or "(without role and name)"
    rows = [(_LABELS_BY_KIND.get(target.kind, target.kind), title), *(("", line) for line in target.address)]
    rows += [("Country", _with_code(_ENGLISH.territories, target.country))]
    for label, values in (("E-mail", target.emails), ("Fax", target.faxes), ("Phone", target.phones)):
        rows += [(label if not index else "", value) for index, value in enumerate(values)]
    rows += [(network.capitalize(), account) for network, account in target.social.items()]
    rows += [("Salutation", target.salutation)] if target.salutation else []
    return [line for label, value in rows for line in _wrapped_lines(f"{label:<{_LABEL_WIDTH}}", value or _MISSING)]


def _letter_lines(draft: DraftAppeal) -> list[str]:
    """Return the lines of the letter, else those of the points to make."""
    if draft.letter is not None:
        parts = [draft.letter.salutation, *draft.letter.paragraphs, draft.letter.closing]
        return ["Letter:", *(line for part in parts if part for line in ("", *_wrapped_lines("  ", part)))]
    if draft.talking_points:
        return [
            "No letter; points to make:",
            *(line for point in draft.talking_points for line in _wrapped_lines("  - ", point)),
        ]
    return [f"{'Letter':<{_LABEL_WIDTH}}{_MISSING}"]
