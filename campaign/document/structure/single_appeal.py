"""Refusal of documents that hold no Urgent Action or more than one."""

from __future__ import annotations

from campaign.document.errors import DocumentError
from campaign.document.fields.dates import find_dates
from campaign.document.structure.block_reader import DocumentBlocks
from campaign.document.structure.evidence import count_evidence
from campaign.document.text.emphasis import plain_text
from campaign.document.text.normalise import normalised

# Kinds of blocks. `late` asks to consult the section after the deadline; `own` allows one's own language.
_REQUEST_KINDS = frozenset(("act write appeals contact letter deadline").split())
_OTHER_KINDS = frozenset(("copies background languages name previous diplomatic short_name gender late own").split())


def require_one(document: DocumentBlocks) -> None:
    """Raise DocumentError unless the blocks are those of exactly one Urgent Action."""
    kinds = {block.kind for block in document.blocks}
    is_named = bool(document.header.references or document.header.index or "banner" in kinds)
    requests, other_parts = len(kinds & _REQUEST_KINDS), len(kinds & _OTHER_KINDS)
    evidence = count_evidence(document)
    if (not requests and evidence < 2) or requests + other_parts + is_named + evidence < 2:
        raise DocumentError("no-urgent-action", "the document holds no Urgent Action: " + _missing_parts(requests))
    references = list(dict.fromkeys(reference.name for reference, _ in document.header.references))
    if len(references) > 1:
        raise DocumentError(
            "several-urgent-actions",
            f"the document holds several Urgent Actions: {', '.join(references[:5])}",
        )
    if _has_two_cases(document):
        raise DocumentError(
            "several-urgent-actions",
            "the document holds several Urgent Actions: it has two headlines and two calls to act",
        )


def _missing_parts(request_count: int) -> str:
    """Return the reason why the document is no Urgent Action, for the message.

    A single part is called a call to act, although it may also be a letter, a contact or a deadline.
    """
    if not request_count:
        return "no call to act, letter, addresses or deadline found"
    return "a call to act alone is not enough"


def _has_two_cases(document: DocumentBlocks) -> bool:
    """Return whether the document has two cases: two calls to act or two letters, and a second headline, day or name.

    The texts of the calls and letters are not compared: one case may have several, so a repeated one is not enough.
    """
    has_repeated_call = (
        len(document.of_kind("act")) >= 2 or len(document.of_kind("write")) >= 2 or len(document.of_kind("letter")) >= 2
    )
    if not has_repeated_call:
        return False
    headlines = {normalised(plain_text(text)) for block in document.of_kind("banner") if (text := block.text().strip())}
    days = {
        (dates[0].day, dates[0].month)
        for block in document.of_kind("deadline")
        if (dates := find_dates(plain_text(block.text())))
    }
    people = {normalised(plain_text(block.text())) for block in document.of_kind("name")}
    return len(headlines) >= 2 or len(days) >= 2 or len(people) >= 2
