"""Every message has a translation in every language, well formed and compiled; no text is outside the messages."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from gettext import GNUTranslations
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from campaign.config import LOCALES, ROOT

CATALOGUES = ROOT / "campaign" / "translations"
TRANSLATED = sorted(set(LOCALES) - {"en"})
# Words that are the same in English and the other language; any other equal text is untranslated.
SAME_AS_ENGLISH = {
    "de": {
        "Domain",
        "Fax",
        "Feed (Atom)",
        "International",
        "Moderation",
        "Name",
        "Passkey",
        "Passkeys",
        "Register",
        "Text",
    },
    "es": {"Fax", "Faxes", "no"},
    "fr": {
        *("%(count)s signature", "%(count)s signatures", "Code", "Contact", "Date", "Fax", "International", "Message"),
        *("Messages", "Note", "Pages", "Section", "Sections", "Signature", "Signatures"),
    },
}
UNITS = {"%(count)s h", "%(count)s min", "%(count)s s"}
SCRIPTS = {"ar": "\u0600-\u06ff", "ru": "\u0400-\u04ff"}
# Words that a template may contain: names of formats and of the software. Attributes that hold text for readers.
UNTRANSLATED_NAMES = {"CSV", "HTML", "Tocsin", "XLSX"}
READ_ATTRIBUTES = {"alt", "aria-label", "label", "placeholder", "title"}
_PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")
_NUMBERS = {"num", "count"}


def test_every_language_but_english_has_a_catalogue() -> None:
    assert sorted(path.name for path in CATALOGUES.iterdir() if path.is_dir()) == TRANSLATED


@pytest.mark.parametrize("locale", TRANSLATED)
def test_a_catalogue_has_every_message_and_no_other(locale: str) -> None:
    catalog = _catalog(locale)
    said = {_as_list(message.id) for message in catalog if message.id}
    assert not extracted_messages() - said, "missing"
    assert not said - extracted_messages(), "no longer asked for"
    for message in catalog:
        if message.id:
            assert not message.fuzzy, message.id
            assert all(_strings(message.string)), message.id
            assert not list(message.check(catalog)), message.id


@pytest.mark.parametrize("locale", TRANSLATED)
def test_placeholders_and_plurals_are_those_of_the_message(locale: str) -> None:
    spoken = _compiled(locale)
    several = defaultdict(set)
    for number in range(2, 1200):
        several[spoken.plural(number)].add(number)
    catalog = _catalog(locale)
    for message in catalog:
        strings, names = _strings(message.string), _names(*_strings(message.id))
        assert len(strings) == (catalog.num_plurals if isinstance(message.id, tuple | list) else 1), message.id
        for form, string in enumerate(strings):
            # A form for a single number ("one day left") may omit it; a form for several must contain it.
            may_miss = _NUMBERS if len(strings) > 1 and len(several[form]) < 2 else set()
            assert names - may_miss <= _names(string) <= names, message.id
            assert not names or not re.search(r"%(?!\(\w+\)[sd]|%)", string), message.id


@pytest.mark.parametrize("locale", TRANSLATED)
def test_no_translation_is_in_english_or_typeset_badly(locale: str) -> None:
    for message in _catalog(locale):
        for string in _strings(message.string) if message.id else []:
            assert string not in _strings(message.id) or string in SAME_AS_ENGLISH.get(locale, set()) | UNITS, string
            assert string == string.strip(), f"a space at the end: {string}"
            assert not re.search(r"['\"\n\t]|\.\.\.|  ", string), f"not as a typesetter would write it: {string}"
            if locale == "fr":
                assert not re.search(r" [:;?!»]|« ", string), (
                    f"an ordinary space where the line must not break: {string}"
                )
            if locale in SCRIPTS:
                assert re.search(rf"[{SCRIPTS[locale]}]", string) or string == "№", string
                assert not re.search(rf"[A-Za-z][{SCRIPTS['ru']}]|[{SCRIPTS['ru']}][A-Za-z]", string), string


@pytest.mark.parametrize("locale", TRANSLATED)
def test_a_catalogue_is_compiled_in_its_current_state(locale: str) -> None:
    with _path(locale, "mo").open("rb") as file:
        compiled = {_as_list(message.id): _as_list(message.string) for message in read_mo(file) if message.id}
    assert compiled == {_as_list(message.id): _as_list(message.string) for message in _catalog(locale) if message.id}


@pytest.mark.parametrize("locale", TRANSLATED)
def test_the_compiled_plurals_are_those_of_the_language(locale: str) -> None:
    spoken, rule = _compiled(locale), Locale(locale).plural_form
    # Numbers share a form as in CLDR: "0 signature" in French, but "0 signatures" in English.
    by_cldr, by_us = defaultdict(set), defaultdict(set)
    for number in range(1200):
        by_cldr[rule(number)].add(number)
        by_us[spoken.plural(number)].add(number)
    assert {frozenset(ones) for ones in by_us.values()} == {frozenset(ones) for ones in by_cldr.values()}


@pytest.mark.parametrize("path", sorted((ROOT / "templates").rglob("*.*")), ids=lambda path: path.name)
def test_a_template_has_no_text_outside_the_messages(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".typ":
        # In Typst's markup, text would be between brackets, on lines without code.
        assert not re.findall(r"^\s*[A-Z][a-z]+ [a-z]+.*$|\[[A-Z][a-z]+[^\]]*\]", text, re.MULTILINE)
        return
    reader = _TextCollector()
    reader.feed(re.sub(r"\{% block layout %\}\w+|\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", " ", text, flags=re.DOTALL))
    assert reader.words - UNTRANSLATED_NAMES == set()


class _TextCollector(HTMLParser):
    """A collector of the words that readers see or hear, without attributes made by macros and code to copy."""

    def __init__(self) -> None:
        super().__init__()
        self.words: set[str] = set()
        self._skipped = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._skipped += tag in {"style", "pre"}
        self.words |= {
            value for name, value in attrs if name in READ_ATTRIBUTES and value and re.search(r"[A-Za-z]", value)
        }

    def handle_endtag(self, tag: str) -> None:
        self._skipped -= tag in {"style", "pre"}

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.words |= set(re.findall(r"[A-Za-z][\w’']*", re.sub(r"\b[a-z-]+=\"[^\"]*\"", "", data)))


@cache
def _catalog(locale: str) -> Catalog:
    with _path(locale, "po").open("rb") as file:
        return read_po(file, locale=locale)


def _compiled(locale: str) -> Any:
    with _path(locale, "mo").open("rb") as file:
        return GNUTranslations(file)


def _path(locale: str, kind: str) -> Path:
    return CATALOGUES / locale / "LC_MESSAGES" / f"messages.{kind}"


@cache
def extracted_messages() -> set[object]:
    method = [("campaign/**.py", "python"), ("templates/**.html", "jinja2"), ("templates/**.txt", "jinja2")]
    keywords = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2), "lazy_gettext": None}
    return {
        message if isinstance(message, str) else tuple(message[:2])
        for _, _, message, *_ in extract_from_dir(ROOT, method, {}, keywords)
    }


def _names(*strings: str) -> set[str]:
    return {name for string in strings for name in _PLACEHOLDER.findall(string)}


def _strings(message: object) -> list[str]:
    return list(message) if isinstance(message, tuple | list) else [str(message)]


def _as_list(message: object) -> object:
    """Return plurals as a list: one reader gives lists, the other tuples."""
    return tuple(message) if isinstance(message, list) else message
