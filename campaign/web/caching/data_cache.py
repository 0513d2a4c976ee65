"""What pages and the sign-up need of the database, kept for at most a second in each process.

So a page costs no query while thousands read it, and nothing that is shown is older than a second.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from flask import current_app, g

from campaign.domain.appeals.slug import is_slug
from campaign.domain.sections.section import choose_section, taking_part
from campaign.queries.appeals.appeal import AppealView, find_appeal, open_appeals
from campaign.queries.counting.counts import Counts, counts, signatures_by_appeal
from campaign.queries.counting.ended_appeals import EndedPage, ended_page, ended_version
from campaign.queries.sections.section import SectionView, list_sections
from campaign.queries.sections.site_text import site_texts

SECONDS = 0.9
_MOST_KEPT = 1000
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class ListedOpenAppeal:
    """An open appeal on the list, with its confirmed signatures."""

    appeal: AppealView
    signatures: int


class _Kept(Generic[Value]):
    """Values by key, read again when older than a second; one thread reads while the others wait for it."""

    def __init__(self, read: Callable[[str], Value | None]) -> None:
        self._read = read
        self._values: dict[str, tuple[float, Value]] = {}
        self._lock = threading.Lock()

    def get(self, key: str) -> Value | None:
        found = self._values.get(key)
        now = time.monotonic()
        if found is not None and found[0] > now:
            return _used(*found)
        with self._lock:
            found = self._values.get(key)
            if found is not None and found[0] > time.monotonic():
                return _used(*found)
            value = self._read(key)
            if value is None:
                self._values.pop(key, None)  # unknown names are not kept: anybody can make up a million of them
                return None
            if len(self._values) >= _MOST_KEPT:
                self._values.clear()
            kept = time.monotonic() + SECONDS, value
            self._values[key] = kept
            return _used(*kept)


def _used(until: float, value: Value) -> Value:
    """Notes how long the answer to the request at hand can stay, made as it is from this value."""
    g.fresh_until = min(until, g.get("fresh_until", until))
    return value


def seconds_fresh() -> float:
    """How much longer what the request at hand has read here is fresh."""
    until: float | None = g.get("fresh_until")
    return SECONDS if until is None else max(0.0, until - time.monotonic())


def _listed(_key: str) -> tuple[ListedOpenAppeal, ...]:
    appeals = open_appeals()
    signatures = signatures_by_appeal(tuple(appeal.id for appeal in appeals))
    return tuple(ListedOpenAppeal(appeal, signatures.get(appeal.id, 0)) for appeal in appeals)


def _ended(key: str) -> EndedPage | None:
    number, _, country = key.partition(" ")
    return ended_page(int(number), country)


class DataCache:
    """One application's kept values."""

    def __init__(self) -> None:
        self._appeals = _Kept(find_appeal)
        self._counts = _Kept(lambda appeal_id: counts(int(appeal_id)))
        self._open = _Kept(_listed)
        self._site_texts = _Kept(lambda _key: site_texts())
        self._ended = _Kept(_ended)
        self._ended_version = _Kept(lambda _key: ended_version())
        self._sections = _Kept(lambda _key: list_sections())

    def appeal(self, slug: str) -> AppealView | None:
        """The appeal with that slug, drafts too."""
        return self._appeals.get(slug) if is_slug(slug) else None

    def counts(self, appeal: AppealView) -> Counts:
        """The appeal's counts, at most a second old."""
        found = self._counts.get(str(appeal.id))
        return found if found is not None else counts(appeal.id)

    def open(self) -> tuple[ListedOpenAppeal, ...]:
        """The open appeals."""
        return self._open.get("") or ()

    def ended(self, number: int, country: str = "") -> EndedPage | None:
        """A page of the ended appeals, or of those about one country; None where there is no such page."""
        return self._ended.get(f"{number} {country}")

    def ended_version(self) -> Hashable:
        """Changes whenever an appeal ends, or one that has ended is changed."""
        return self._ended_version.get("")

    def sections(self) -> tuple[SectionView, ...]:
        """All sections."""
        return self._sections.get("") or ()

    def site_texts(self) -> dict[tuple[str, str], str]:
        """What staff have written on the site's own pages, by page and language."""
        return self._site_texts.get("") or {}

    def section_for(self, country: str, language: str, appeal: AppealView) -> SectionView | None:
        """The section that a supporter in that country, reading that language, is counted for."""
        return choose_section(self.taking_part(appeal), country, language)

    def taking_part(self, appeal: AppealView) -> tuple[SectionView, ...]:
        """The sections that take part in the appeal."""
        return taking_part(self.sections(), appeal.sections) if appeal.sections else self.sections()


def data_cache() -> DataCache:
    """Those of the application at hand."""
    kept: DataCache = current_app.extensions["tocsin_snapshots"]
    return kept
