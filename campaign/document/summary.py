"""What the reader understood, for people at a terminal: doubts first."""

from __future__ import annotations

from .draft import DraftAppeal, DraftTarget
from .markup import to_plain

_WIDTH = 300


def summarise(draft: DraftAppeal) -> str:
    """The draft as lines of text: warnings, then every field that the document fills."""
    lines = [f"{len(draft.warnings)} warning{'' if len(draft.warnings) == 1 else 's'}"]
    lines += [f"  line {each.line}: {each.message} [{each.code}]" for each in draft.warnings]
    lines.append("")
    for label, value in _facts(draft):
        lines.append(f"{label:<13}{value or '(not said)'}")
    for target in draft.targets:
        lines += ["", *_target(target)]
    lines += ["", *_letter(draft)]
    return "\n".join(lines).rstrip() + "\n"


def _facts(draft: DraftAppeal) -> list[tuple[str, str]]:
    people = "; ".join(f"{each.name} ({each.pronoun})" if each.pronoun else each.name for each in draft.people)
    tongues = ", ".join(draft.languages) + (" or the writer's own" if draft.own_language else "")
    reference = f"{draft.reference}, number {draft.sequence}" if draft.reference else ""
    return [
        ("Headline", draft.headline or ""),
        ("Reference", reference),
        ("Index", draft.index or ""),
        ("Issued on", str(draft.issued_on or "")),
        ("Language", draft.language),
        ("Country", draft.country or ""),
        ("People", people),
        ("Deadline", str(draft.deadline or "")),
        ("Write in", tongues),
        ("Previous", draft.previous or ""),
        ("Summary", _short(draft.summary)),
        ("Background", _short(draft.background)),
    ]


def _short(text: str | None) -> str:
    flat = " ".join(to_plain(text or "").split())
    return flat if len(flat) <= _WIDTH else flat[:_WIDTH].rsplit(" ", 1)[0] + " …"


def _target(target: DraftTarget) -> list[str]:
    title = ", ".join(part for part in (target.role, target.name) if part) or "(unnamed)"
    lines = [f"To ({target.kind}, {target.country or 'country not said'}): {title}"]
    lines += [f"  {line}" for line in target.address]
    for label, values in (("E-mail", target.emails), ("Fax", target.faxes), ("Phone", target.phones)):
        lines += [f"  {label}: {value}" for value in values]
    lines += [f"  {network}: {account}" for network, account in target.social.items()]
    return lines + ([f"  Salutation: {target.salutation}"] if target.salutation else [])


def _letter(draft: DraftAppeal) -> list[str]:
    if draft.letter is None:
        return ["Points to make:", *(f"  - {point}" for point in draft.talking_points)] if draft.talking_points else []
    parts = [draft.letter.salutation, *draft.letter.paragraphs, draft.letter.closing]
    return ["Letter:", *(f"  {part}\n" for part in parts if part)]
