"""Refuses what is no Urgent Action, and what holds more than one."""

from __future__ import annotations

from campaign.document.errors import DocumentError
from campaign.document.fields.dates import dates
from campaign.document.structure.block_walk import BlockWalk
from campaign.document.structure.blocks import Block
from campaign.document.text.emphasis import plain
from campaign.document.text.normalise import key

_ASKS = frozenset(("act write appeals contact letter deadline").split())
_MARKS = frozenset(("copies background languages name previous diplomatic short_name gender late own").split())


def require_one(walk: BlockWalk) -> None:
    """Raises DocumentError unless the blocks are those of exactly one Urgent Action."""
    kinds = {block.kind for block in walk.blocks}
    named = bool(walk.header.references or walk.header.index or "banner" in kinds)
    asks, marks = len(kinds & _ASKS), len(kinds & _MARKS)
    if not asks or asks + marks + named < 2:
        raise DocumentError("no-urgent-action", "the document holds no Urgent Action: " + _lacking(named, asks))
    references = list(dict.fromkeys(reference.name for reference, _ in walk.header.references))
    if len(references) > 1:
        raise DocumentError(
            "several-urgent-actions",
            f"the document holds several Urgent Actions: {', '.join(references[:5])}",
        )
    if _repeated(walk):
        raise DocumentError(
            "several-urgent-actions",
            "the document holds several Urgent Actions: it has two headlines and two calls to act",
        )


def _lacking(named: bool, asks: int) -> str:
    if not asks:
        return "no call to act, letter, addresses or deadline found"
    return "a call to act alone is not enough" if not named else "nothing but a title found"


def _repeated(walk: BlockWalk) -> bool:
    """Whether calls to act, and what stands for a case, come twice and differ."""
    acts = len(walk.all("act")) >= 2 or len(walk.all("write")) >= 2 or len(walk.all("letter")) >= 2
    if not acts:
        return False
    headlines = {key(plain(text)) for block in walk.all("banner") if (text := block.text().strip())}
    days = {(found[0].day, found[0].month) for block in walk.all("deadline") if (found := dates(plain(block.text())))}
    names = {key(_text(block)) for block in walk.all("name")}
    return len(headlines) >= 2 or len(days) >= 2 or len(names) >= 2


def _text(block: Block) -> str:
    return plain(block.text())
