"""Data that pages and the sign-up need from the database, cached for at most a second in each process.

A page that thousands read costs at most a few queries a second, and shows nothing that is older than a second.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from flask import current_app, g

from campaign.domain.appeals.appeal import AppealState
from campaign.domain.appeals.slug import is_slug
from campaign.domain.sections.section import choose_section, participating_sections
from campaign.queries.appeals.appeal import AppealView, find_appeal, open_appeals
from campaign.queries.counting.counts import Counts, counts, signatures_by_appeal
from campaign.queries.counting.ended_appeals import EndedPage, ended_page, ended_version
from campaign.queries.sections.section import SectionView, list_sections
from campaign.queries.sections.site_text import site_texts

MAX_AGE = 0.9  # seconds
_MAX_VALUES = 1000
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class ListedOpenAppeal:
    """An open appeal on the list, with its number of confirmed signatures."""

    appeal: AppealView
    signatures: int


class _TimedCache(Generic[Value]):
    """Values by key, read again when older than `MAX_AGE`; one thread reads while the others wait for it."""

    def __init__(self, read: Callable[[str], Value | None]) -> None:
        """Create a cache; `read` returns the value of a key, or None if there is none."""
        self._read = read
        self._values: dict[str, tuple[float, Value]] = {}
        self._lock = threading.Lock()

    def get(self, key: str) -> Value | None:
        """Return the value of a key, or None if there is none."""
        entry = self._values.get(key)
        now = time.monotonic()
        if entry is not None and entry[0] > now:
            return _note_expiry(*entry)
        with self._lock:
            entry = self._values.get(key)
            if entry is not None and entry[0] > time.monotonic():
                return _note_expiry(*entry)
            value = self._read(key)
            if value is None:
                self._values.pop(key, None)  # unknown names are not cached: a client can invent a million of them
                return None
            if len(self._values) >= _MAX_VALUES:
                self._values.clear()
            entry = time.monotonic() + MAX_AGE, value
            self._values[key] = entry
            return _note_expiry(*entry)


def _note_expiry(until: float, value: Value) -> Value:
    """Note until when the answer to the current request is fresh, and return the value."""
    g.fresh_until = min(until, g.get("fresh_until", until))
    return value


def seconds_fresh() -> float:
    """Return for how many more seconds the data that the current request has read is fresh."""
    until: float | None = g.get("fresh_until")
    return MAX_AGE if until is None else max(0.0, until - time.monotonic())


def _read_open_appeals(_key: str) -> tuple[ListedOpenAppeal, ...]:
    appeals = open_appeals()
    signatures = signatures_by_appeal(tuple(appeal.id for appeal in appeals))
    return tuple(ListedOpenAppeal(appeal, signatures.get(appeal.id, 0)) for appeal in appeals)


def _read_ended_page(key: str) -> EndedPage | None:
    """Return the page for a key of page number, space and country; the country may be empty."""
    number, _, country = key.partition(" ")
    return ended_page(int(number), country)


class DataCache:
    """The cached values of one application."""

    def __init__(self) -> None:
        """Create empty caches."""
        self._appeals = _TimedCache(find_appeal)
        self._counts = _TimedCache(lambda appeal_id: counts(int(appeal_id)))
        self._open_appeals = _TimedCache(_read_open_appeals)
        self._site_texts = _TimedCache(lambda _key: site_texts())
        self._ended_pages = _TimedCache(_read_ended_page)
        self._ended_version = _TimedCache(lambda _key: ended_version())
        self._sections = _TimedCache(lambda _key: list_sections())

    def appeal(self, slug: str) -> AppealView | None:
        """Return the appeal with that slug, drafts included, or None."""
        return self._appeals.get(slug) if is_slug(slug) else None

    def published_appeal(self, slug: str) -> AppealView | None:
        """Return the appeal with that slug if it is published and has a text, else None."""
        appeal = self.appeal(slug)
        return appeal if appeal is not None and appeal.state != AppealState.DRAFT and appeal.texts else None

    def counts(self, appeal: AppealView) -> Counts:
        """Return the appeal's counts, at most a second old."""
        cached = self._counts.get(str(appeal.id))
        return cached if cached is not None else counts(appeal.id)

    def open_appeals(self) -> tuple[ListedOpenAppeal, ...]:
        """Return the open appeals."""
        return self._open_appeals.get("") or ()

    def ended_page(self, number: int, country: str = "") -> EndedPage | None:
        """Return a page of the ended appeals, of all or of one country; None if there is no such page."""
        return self._ended_pages.get(f"{number} {country}")

    def ended_version(self) -> Hashable:
        """Return a value that changes whenever an appeal ends, or an ended one is changed."""
        return self._ended_version.get("")

    def sections(self) -> tuple[SectionView, ...]:
        """Return all sections."""
        return self._sections.get("") or ()

    def site_texts(self) -> dict[tuple[str, str], str]:
        """Return the texts that staff wrote for the site's own pages, by page and language."""
        return self._site_texts.get("") or {}

    def section_for(self, country: str, language: str, appeal: AppealView) -> SectionView | None:
        """Return the section for which a supporter with that country and language is counted, or None."""
        return choose_section(self.participating_sections(appeal), country, language)

    def participating_sections(self, appeal: AppealView) -> tuple[SectionView, ...]:
        """Return the sections that take part in the appeal."""
        return participating_sections(self.sections(), appeal.sections)


def data_cache() -> DataCache:
    """Return the data cache of the current application."""
    cache: DataCache = current_app.extensions["tocsin_data_cache"]
    return cache
