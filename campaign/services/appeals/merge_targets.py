"""Merging of a document's targets into those of its appeal, without repeating a contact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from campaign.document.draft import DraftAppeal, DraftTarget
from campaign.models import Appeal, Target

_CONTACTS = ("emails", "faxes", "phones")


@dataclass(frozen=True, slots=True)
class MergedTargets:
    """The changes of the appeal's targets as pairs of before and after (None: no target), and their positions.

    `positions` are those of the draft's targets, in their order.
    """

    changes: list[tuple[Any, Any]]
    changed: list[int]
    positions: list[int]


def merge_targets(session: Session, appeal: Appeal, draft: DraftAppeal) -> MergedTargets:
    """Merge the draft's targets into the appeal; return the changes, and where the draft's targets are stored.

    Positions do not change, because actions refer to them. A target that the document does not name any more loses its
    words in the document's language, and is removed if it then has no words.
    """
    before = {target.position: _summary(target) for target in appeal.targets}
    unmatched = list(appeal.targets)
    named_positions = []
    for index, drafted in enumerate(draft.targets):
        target = _matching(unmatched, drafted, index, draft.language)
        if target is None:
            position = 1 + max((stored.position for stored in appeal.targets), default=0)
            target = Target(
                position=position, kind=drafted.kind, emails=[], faxes=[], phones=[], social={}, words={}, country=None
            )
            appeal.targets.append(target)
        else:
            unmatched.remove(target)
        named_positions.append(target.position)
        _fill(target, drafted, draft.language)
    for target in list(appeal.targets):
        if target.position not in named_positions and draft.language in target.words:
            target.words = {language: words for language, words in target.words.items() if language != draft.language}
            if not target.words:
                appeal.targets.remove(target)
    session.flush()
    after = {target.position: _summary(target) for target in appeal.targets}
    changed = [
        position for position in sorted(before.keys() | after.keys()) if before.get(position) != after.get(position)
    ]
    changes = [(before.get(position), after.get(position)) for position in changed]
    return MergedTargets(changes, changed, named_positions)


def _matching(unmatched: list[Target], drafted: DraftTarget, index: int, language: str) -> Target | None:
    """Return the stored target that corresponds to the draft's target; None if it is new.

    It is one with a common contact, else with the same role and name, else with the same position, kind and country.
    """
    for target in unmatched:
        if any(set(getattr(target, contact)) & set(getattr(drafted, contact)) for contact in _CONTACTS):
            return target
    for target in unmatched:
        words = target.words.get(language)
        if words and (words.get("role"), words.get("name")) == (drafted.role, drafted.name):
            return target
    for target in unmatched:
        if target.position == index + 1 and target.kind == drafted.kind and target.country == drafted.country:
            return target
    return None


def _fill(target: Target, drafted: DraftTarget, language: str) -> None:
    """Set the target's values and its words in that language from the draft's target.

    If the target has words in other languages, contacts are added and none removed.
    """
    is_only_language = not target.words or set(target.words) == {language}
    target.kind = drafted.kind
    target.country = drafted.country or target.country
    for contact in _CONTACTS:
        drafted_contacts = list(getattr(drafted, contact))
        stored = getattr(target, contact)
        setattr(
            target,
            contact,
            drafted_contacts
            if is_only_language
            else stored + [value for value in drafted_contacts if value not in stored],
        )
    target.social = dict(drafted.social) if is_only_language else {**drafted.social, **target.social}
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
