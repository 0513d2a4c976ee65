"""Redirects for damaged links: broken over lines, with extra characters, in capitals, or without a language.

People copy links out of mails, chats and posters. They copy a full stop or a bracket with the address, or leave out the
language. Programs add slashes, line ends and tags. The redirect leads to the intended page in one step, and never to
the damaged link itself.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlencode

from flask import Flask, redirect, request, url_for
from werkzeug import Response
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from campaign.config import LOCALES
from campaign.domain.signing.token import find_token
from campaign.web.caching.data_cache import data_cache
from campaign.web.http.locale import DEFAULT_LOCALE, preferred_locale

# A line end and the quotation marks of a mail, also as a soft line break of quoted-printable text.
_LINE_END = re.compile(r"=?[\r\n]+[> ]*")
_SPACE = re.compile(r"(?<=\S)\s")
# Tags, fragments, "=3D" and further words begin with such characters; addresses of this site do not have them.
_FOREIGN_CHARACTER = re.compile(r"(?<=[^\W_])[^\w/.-]")
_LANGUAGE = re.compile(r"[a-z]{2,3}([-_][a-z0-9]{2,8})*")
# The part of a path behind these is a token, which is case-sensitive.
_TOKEN_PREFIXES = {"s", "m", "u"}
_MAX_PATH = 2000  # characters


def mended_link(app: Flask) -> Response | None:
    """Return the redirect from the requested address to the intended page; None if there is no such page."""
    if request.method not in {"GET", "HEAD"} or len(request.path) > _MAX_PATH:
        return None
    url_map = app.url_map.bind("")
    for parts, is_locale_chosen in _candidate_paths():
        target = _target(url_map, parts)
        # The request's path is decoded, so the target is decoded for the comparison.
        if target is None or unquote(target) == request.script_root + request.path:
            continue
        if query := request.args.to_dict(flat=False):
            target += "?" + urlencode(query, doseq=True)
        # The redirect is not permanent if the language was chosen for this reader, or if a token belongs to one person.
        is_secret = not _TOKEN_PREFIXES.isdisjoint(parts[:2])
        response = redirect(target, 302 if is_locale_chosen or is_secret else 301)
        response.headers["Cache-Control"] = "no-store" if is_secret else "no-cache"
        if is_locale_chosen:
            response.headers["Vary"] = "Accept-Language"
        return response
    return None


def _candidate_paths() -> Iterator[tuple[list[str], bool]]:
    """Yield the parts of each path that may be intended, and whether the locale in it was chosen here."""
    # Some programs encode an address twice or as HTML. Addresses of this site have no "%" and no "&".
    path = html.unescape(unquote(request.path))
    yield from _with_locale(_clean_parts(_LINE_END.sub("", path)))
    for end_pattern in (_SPACE, _FOREIGN_CHARACTER):
        if end := end_pattern.search(path):
            yield from _with_locale(_clean_parts(path[: end.start()]))


def _clean_parts(path: str) -> list[str]:
    """Return the parts of the path, without invisible characters and without punctuation at its end."""
    visible = "".join(letter for letter in path if unicodedata.category(letter)[0] not in "CZ")
    end = len(visible)
    while end and not visible[end - 1].isalnum():
        end -= 1
    before, slash, last = visible[:end].rpartition("/")
    # Addresses of this site end in ASCII. Other characters at the end belong to a text that follows without a space.
    if any(map(_is_plain, last)):
        last = last[: 1 + max(index for index, letter in enumerate(last) if _is_plain(letter))]
    return [part for part in f"{before}{slash}{last}".split("/") if part]


def _is_plain(letter: str) -> bool:
    return letter.isascii() and letter.isalnum()


def _with_locale(original_parts: list[str]) -> Iterator[tuple[list[str], bool]]:
    """Yield the parts with each locale that may be intended, and whether the locale was chosen here."""
    parts = list(_lower_parts(original_parts))
    if not parts:
        yield [_locale(parts)], True
        return
    if parts[0] in LOCALES:
        yield parts, False
        return
    yield parts, False
    if _LANGUAGE.fullmatch(parts[0]) and parts[0] not in _TOKEN_PREFIXES:
        # The first part is a language without pages, or a language with a country.
        yield [_locale(parts[1:], parts[0]), *parts[1:]], True
    yield [_locale(parts), *parts], True


def _lower_parts(parts: list[str]) -> Iterator[str]:
    """Yield the parts in lower case, except a token."""
    is_token = False
    for number, part in enumerate(parts):
        yield find_token(part) or part if is_token else part.lower()
        is_token = number < 2 and part.lower() in _TOKEN_PREFIXES


def _locale(parts: list[str], *requested: str) -> str:
    """Return the reader's preferred locale, else the appeal's first language if it is a locale, else English."""
    appeal = data_cache().appeal(parts[1]) if parts[:1] == ["appeals"] and len(parts) > 1 else None
    first_language = appeal.first_language if appeal is not None else ""
    return preferred_locale(*requested, default=first_language if first_language in LOCALES else DEFAULT_LOCALE)


def _target(url_map: MapAdapter, parts: list[str]) -> str | None:
    """Return the address of the page with this path; None if there is no such page or appeal, or the token is cut."""
    match = _match(url_map, "/" + "/".join(parts)) or _match(url_map, "/" + "/".join([*parts, ""]))
    if match is None:
        return None
    endpoint, values = match
    if "slug" in values and data_cache().published_appeal(values["slug"]) is None:
        return None
    # A route accepts any letters as a country, so a part that would need further cleaning is refused here.
    if any(_FOREIGN_CHARACTER.search(value) for value in values.values() if isinstance(value, str)):
        return None
    if "token" in values and find_token(values["token"]) != values["token"]:
        return None
    return url_for(endpoint, **values)


def _match(url_map: MapAdapter, path: str) -> tuple[str, dict[str, Any]] | None:
    """Return endpoint and values of the route for the path, or None."""
    try:
        endpoint, values = url_map.match(path, method="GET")
    except HTTPException:  # includes redirects by the map itself
        return None
    return str(endpoint), dict(values)
