"""Which national section a supporter belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Protocol, TypeVar

INTERNATIONAL = "international"
CODE = re.compile(r"[a-z]{2}(-[a-z]{2,3})?|international")


class SectionLike(Protocol):
    """What the choice looks at."""

    @property
    def code(self) -> str: ...
    @property
    def countries(self) -> tuple[str, ...]: ...
    @property
    def languages(self) -> tuple[str, ...]: ...


S = TypeVar("S", bound=SectionLike)


def choose_section(sections: Iterable[S], country: str, language: str) -> S | None:
    """The section of that country; of several, the one of that language, else the first; else `international`."""
    rest = None
    local = []
    for section in sections:
        if country in section.countries:
            local.append(section)
        elif section.code == INTERNATIONAL:
            rest = section
    for section in local:
        if language in section.languages:
            return section
    return local[0] if local else rest


def taking_part(sections: Iterable[S], codes: tuple[str, ...]) -> tuple[S, ...]:
    """The sections that take part in an appeal: those it names, or all where it names none.

    `international` always does: whoever has no section of their own, or one that does not take part, is counted there.
    """
    return tuple(one for one in sections if not codes or one.code in codes or one.code == INTERNATIONAL)
