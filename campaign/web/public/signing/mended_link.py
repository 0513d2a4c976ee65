"""Where a link leads that was copied badly: broken over lines, with a slash or a sentence's end behind, in capitals,
without its language.

People take links out of mails, chats and posters. What follows a sentence's full stop or a bracket is no part of the
address; programs add slashes, line ends and tags; some leave the language out. Such a link leads to its page in one
step, and never to itself.
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
from campaign.domain.appeals.appeal import AppealState
from campaign.domain.signing.token import find_token
from campaign.web.caching.data_cache import data_cache
from campaign.web.http.locale import DEFAULT, preferred_locale

# A line's end with the marks of a quoted mail, also as quoted-printable text writes one that is none.
_LINE_END = re.compile(r"=?[\r\n]+[> ]*")
_BLANK = re.compile(r"(?<=\S)\s")
# No address of ours has any of these: a tag's end, a fragment, a parameter, "=3D", further words begin with them.
_FOREIGN = re.compile(r"(?<=[^\W_])[^\w/.-]")
_LANGUAGE = re.compile(r"[a-z]{2,3}([-_][a-z0-9]{2,8})*")
# What follows these is a token, in which capitals count.
_TOKENS = {"s", "m", "u"}
_LONGEST = 2000


def mended_link(app: Flask) -> Response | None:
    """Return the step from the address asked for to the page that was meant; None where there is no such page."""
    if request.method not in {"GET", "HEAD"} or len(request.path) > _LONGEST:
        return None
    find = app.url_map.bind("")
    for parts, is_ours in _readings():
        target = _target(find, parts)
        # Compared as the request's path is: decoded.
        if target is None or unquote(target) == request.script_root + request.path:
            continue
        if query := request.args.to_dict(flat=False):
            target += "?" + urlencode(query, doseq=True)
        # Which language was chosen is this reader's matter, and what holds a token nobody else's.
        is_secret = not _TOKENS.isdisjoint(parts[:2])
        response = redirect(target, 302 if is_ours or is_secret else 301)
        response.headers["Cache-Control"] = "no-store" if is_secret else "no-cache"
        if is_ours:
            response.headers["Vary"] = "Accept-Language"
        return response
    return None


def _readings() -> Iterator[tuple[list[str], bool]]:
    """Yield the parts of the paths that may have been meant, and whether their language is chosen by us."""
    # Encoded twice, or as HTML writes it: no address of ours holds "%" or "&".
    path = html.unescape(unquote(request.path))
    yield from _in_a_language(_whole(_LINE_END.sub("", path)))
    for ends in (_BLANK, _FOREIGN):
        if end := ends.search(path):
            yield from _in_a_language(_whole(path[: end.start()]))


def _whole(path: str) -> list[str]:
    """Return the parts of the path without what cannot be seen, nor what stands behind its last letter or digit."""
    seen = "".join(letter for letter in path if unicodedata.category(letter)[0] not in "CZ")
    end = len(seen)
    while end and not seen[end - 1].isalnum():
        end -= 1
    before, slash, last = seen[:end].rpartition("/")
    # Our addresses end in ASCII. Where the last part has any, what follows belongs to a text without spaces.
    if any(map(_is_plain, last)):
        last = last[: 1 + max(place for place, letter in enumerate(last) if _is_plain(letter))]
    return [part for part in f"{before}{slash}{last}".split("/") if part]


def _is_plain(letter: str) -> bool:
    return letter.isascii() and letter.isalnum()


def _in_a_language(asked: list[str]) -> Iterator[tuple[list[str], bool]]:
    parts = list(_lowered(asked))
    if not parts:
        yield [_locale(parts)], True
        return
    if parts[0] in LOCALES:
        yield parts, False
        return
    yield parts, False
    if _LANGUAGE.fullmatch(parts[0]) and parts[0] not in _TOKENS:
        # A language that the pages do not speak, or one with its country.
        yield [_locale(parts[1:], parts[0]), *parts[1:]], True
    yield [_locale(parts), *parts], True


def _lowered(parts: list[str]) -> Iterator[str]:
    is_token = False
    for number, part in enumerate(parts):
        yield find_token(part) or part if is_token else part.lower()
        is_token = number < 2 and part.lower() in _TOKENS


def _locale(parts: list[str], *asked: str) -> str:
    """Return the language that the reader asks for, else the appeal's first, where the pages speak it."""
    appeal = data_cache().appeal(parts[1]) if parts[:1] == ["appeals"] and len(parts) > 1 else None
    first = appeal.first_language if appeal is not None else ""
    return preferred_locale(*asked, default=first if first in LOCALES else DEFAULT)


def _target(find: MapAdapter, parts: list[str]) -> str | None:
    """Return the address of the page with this path; None where there is none, no such appeal, or no whole token."""
    found = _match(find, "/" + "/".join(parts)) or _match(find, "/" + "/".join([*parts, ""]))
    if found is None:
        return None
    endpoint, values = found
    if "slug" in values:
        appeal = data_cache().appeal(values["slug"])
        if appeal is None or appeal.state == AppealState.DRAFT or not appeal.texts:
            return None
    # Any letters may stand in the place of a country; what is further mended is no page.
    if any(_FOREIGN.search(value) for value in values.values() if isinstance(value, str)):
        return None
    if "token" in values and find_token(values["token"]) != values["token"]:
        return None
    return url_for(endpoint, **values)


def _match(find: MapAdapter, path: str) -> tuple[str, dict[str, Any]] | None:
    try:
        endpoint, values = find.match(path, method="GET")
    except HTTPException:  # also where the map itself would send the reader elsewhere
        return None
    return str(endpoint), dict(values)
