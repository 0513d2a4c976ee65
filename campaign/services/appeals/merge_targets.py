"""Bringing the targets of a document together with those an appeal has: words by language, contacts once."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from campaign.document.draft import DraftAppeal, DraftTarget
from campaign.models import Appeal, Target

_CONTACTS = ("emails", "faxes", "phones")


def merge_targets(session: Session, appeal: Appeal, draft: DraftAppeal) -> list[tuple[Any, Any]]:
    """Puts the draft's targets in place and returns what changed, as pairs of before and after.

    Positions stay, for actions name them. A target that the document of this language no longer names loses its words
    in this language, and goes where no other language names it.
    """
    before = {target.position: _summary(target) for target in appeal.targets}
    free = list(appeal.targets)
    kept = set()
    for index, drafted in enumerate(draft.targets):
        target = _same(free, drafted, index, draft.language)
        if target is None:
            position = 1 + max((known.position for known in appeal.targets), default=0)
            target = Target(
                position=position, kind=drafted.kind, emails=[], faxes=[], phones=[], social={}, words={}, country=None
            )
            appeal.targets.append(target)
        else:
            free.remove(target)
        kept.add(target.position)
        _fill(target, drafted, draft.language)
    for target in list(appeal.targets):
        if target.position not in kept and draft.language in target.words:
            target.words = {language: words for language, words in target.words.items() if language != draft.language}
            if not target.words:
                appeal.targets.remove(target)
    session.flush()
    after = {target.position: _summary(target) for target in appeal.targets}
    return [
        (before.get(position), after.get(position))
        for position in sorted(before.keys() | after.keys())
        if before.get(position) != after.get(position)
    ]


def _same(free: list[Target], drafted: DraftTarget, index: int, language: str) -> Target | None:
    """The stored target that this one is: by a shared way to reach it, else by its words, else by its place."""
    for target in free:
        if any(set(getattr(target, way)) & set(getattr(drafted, way)) for way in _CONTACTS):
            return target
    for target in free:
        words = target.words.get(language)
        if words and (words.get("role"), words.get("name")) == (drafted.role, drafted.name):
            return target
    for target in free:
        if target.position == index + 1 and target.kind == drafted.kind and target.country == drafted.country:
            return target
    return None


def _fill(target: Target, drafted: DraftTarget, language: str) -> None:
    alone = not target.words or set(target.words) == {language}
    target.kind = drafted.kind
    target.country = drafted.country or target.country
    for way in _CONTACTS:
        said = list(getattr(drafted, way))
        known = getattr(target, way)
        setattr(target, way, said if alone else known + [one for one in said if one not in known])
    target.social = dict(drafted.social) if alone else {**drafted.social, **target.social}
    target.words = {
        **target.words,
        language: {
            "role": drafted.role,
            "name": drafted.name,
            "address": list(drafted.address),
            "salutation": drafted.salutation,
        },
    }


def _summary(target: Target) -> dict[str, Any]:
    names = ("kind", "country", *_CONTACTS, "social", "words")
    return {name: getattr(target, name) for name in names}
