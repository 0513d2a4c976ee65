"""National sections: their codes, the choice of a supporter's section, and the sections of an appeal."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Protocol, TypeVar

INTERNATIONAL = "international"
CODE_PATTERN = re.compile(r"[a-z]{2}(-[a-z]{2,3})?|international")


class SectionLike(Protocol):
    """The properties of a section that determine the choice."""

    @property
    def code(self) -> str:
        """Return the section's code."""
        ...

    @property
    def countries(self) -> tuple[str, ...]:
        """Return the codes of its countries."""
        ...

    @property
    def languages(self) -> tuple[str, ...]:
        """Return the codes of its languages."""
        ...


S = TypeVar("S", bound=SectionLike)


def choose_section(sections: Iterable[S], country: str, language: str) -> S | None:
    """Return the section of that country; of several, the one with that language, else the first.

    For a country without a section return the section `international`; None if that does not exist.
    """
    fallback = None
    local = []
    for section in sections:
        if country in section.countries:
            local.append(section)
        elif section.code == INTERNATIONAL:
            fallback = section
    for section in local:
        if language in section.languages:
            return section
    return local[0] if local else fallback


def participating_sections(sections: Iterable[S], codes: tuple[str, ...]) -> tuple[S, ...]:
    """Return the sections that take part in an appeal: those with these codes, or all if there are no codes.

    `international` always takes part. It counts the supporters of countries without a participating section.
    """
    return tuple(section for section in sections if not codes or section.code in codes or section.code == INTERNATIONAL)
