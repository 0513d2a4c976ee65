"""Where a link leads that was copied badly: with a slash or punctuation behind, in capitals, without its language.

People take links out of mails, chats and posters. What follows a sentence's full stop or a bracket is no part of the
address; programs add slashes; some leave the language out. Such a link leads to its page in one step.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from flask import Flask, redirect, request, url_for
from werkzeug import Response
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from campaign.config import LOCALES
from campaign.domain.appeal import AppealState
from campaign.web.locale import DEFAULT, preferred_locale
from campaign.web.snapshot import snapshots

# No address of ours, slug or token ends with any of these.
_BEHIND = re.compile(
    r"""[\s/.,;:!?'"<>()\[\]{}«»‹›“”„‘’‚…*|\\،؛؟。、，！？」』）】·\u200b-\u200f\u202a-\u202e\u2066-\u2069]+$"""
)
_LANGUAGE = re.compile(r"[a-z]{2,3}([-_][a-z0-9]{2,8})*")
# What follows these is a token, in which capitals count.
_TOKENS = {"s", "m", "u"}
_LONGEST = 2000


def mended_link(app: Flask) -> Response | None:
    """Return the step from the address asked for to the page that was meant; None where there is no such page."""
    if request.method not in {"GET", "HEAD"} or len(request.path) > _LONGEST:
        return None
    find = app.url_map.bind("")
    for parts, is_ours in _readings([part for part in _BEHIND.sub("", request.path).split("/") if part]):
        target = _target(find, parts)
        if target is None or target == request.path:
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


def _readings(asked: list[str]) -> Iterator[tuple[list[str], bool]]:
    """Yield the parts of the path that may have been meant, and whether their language is chosen by us."""
    parts = list(_lowered(asked))
    if not parts or parts[0] in LOCALES:
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
        yield part if is_token else part.lower()
        is_token = number < 2 and part.lower() in _TOKENS


def _locale(parts: list[str], *asked: str) -> str:
    """Return the language that the reader asks for, else the appeal's first, where the pages speak it."""
    appeal = snapshots().appeal(parts[1]) if parts[:1] == ["appeals"] and len(parts) > 1 else None
    first = appeal.first_language if appeal is not None else ""
    return preferred_locale(*asked, otherwise=first if first in LOCALES else DEFAULT)


def _target(find: MapAdapter, parts: list[str]) -> str | None:
    """Return the address of the page with this path; None where there is none, or no such appeal."""
    found = _match(find, "/" + "/".join(parts)) or _match(find, "/" + "/".join([*parts, ""]))
    if found is None:
        return None
    endpoint, values = found
    if "slug" in values:
        appeal = snapshots().appeal(values["slug"])
        if appeal is None or appeal.state == AppealState.DRAFT or not appeal.texts:
            return None
    return url_for(endpoint, **values)


def _match(find: MapAdapter, path: str) -> tuple[str, dict[str, Any]] | None:
    try:
        endpoint, values = find.match(path, method="GET")
    except HTTPException:  # also where the map itself would send the reader elsewhere
        return None
    return str(endpoint), dict(values)
