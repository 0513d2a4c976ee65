"""For other sites: the form or the counter in a frame, the one line that puts it there, and oEmbed.

Framing is allowed here and nowhere else. A frame carries no cookie, and its form posts from our own page in the frame,
so the browser calls it same-origin and the guard against other sites stays as it is.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import escape as html

from campaign.config import LOCALES, ROOT
from campaign.domain.appeals.appeal import AppealState
from campaign.platform import limiter
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.web.caching.data_cache import data_cache
from campaign.web.caching.page_cache import page_cache
from campaign.web.forms import read_sign_form
from campaign.web.http.headers import FRAMEABLE
from campaign.web.http.locale import DEFAULT, absolute
from campaign.web.public.appeal.pages import HTML, appeal_page, published, version_of
from campaign.web.public.signing.sign import LIMITS, form_page, submit

KINDS = ("form", "counter")
SCHEMES = ("auto", "light", "dark")
_OPEN = (("Access-Control-Allow-Origin", "*"), ("Cross-Origin-Resource-Policy", "cross-origin"))
_HOUR = "public, max-age=3600"
_WIDTH, _HEIGHTS = 480, {"form": 900, "counter": 260}
_SCRIPT = ROOT / "campaign" / "static" / "embed.js"
_APPEAL = re.compile(rf"/({'|'.join(LOCALES)})/appeals/([^/?#]+)/?")
blueprint = Blueprint("embed", __name__)


@blueprint.url_value_preprocessor
def _speak_early(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    # Before anything can be refused, so that a refusal speaks the language of the frame, too.
    if (asked := request.args.get("lang", "")) in LOCALES:
        g.locale = asked


@blueprint.get("/embed/<slug>")
def show(slug: str) -> ResponseReturnValue:
    """The form (`kind=form`) or the counter, light, dark or as the system is (`theme`), in a language (`lang`)."""
    appeal = published(slug)
    kind, scheme = _chosen("kind", KINDS), _chosen("theme", SCHEMES)
    locale = _speak(appeal)
    counts = data_cache().counts(appeal)
    now = runtime().clock()
    return page_cache().answer(
        ("embed", slug, kind, scheme, locale),
        version_of(appeal, counts, now),
        lambda: _render(kind, scheme, appeal_page(appeal, counts, now, locale)),
        kind=HTML,
        instead=FRAMEABLE,
    )


@blueprint.post("/embed/<slug>")
@limiter.limit(LIMITS, deduct_when=lambda response: response.status_code == 303)
def create(slug: str) -> ResponseReturnValue:
    """Signs as the page's own form does, and stays inside the frame."""
    appeal = published(slug)
    locale = _speak(appeal)
    refused = submit(appeal, read_sign_form(request.form))
    if refused is not None:
        return _render("form", _chosen("theme", SCHEMES), form_page(appeal, refused)), 422
    scheme = _chosen("theme", SCHEMES)
    return redirect(url_for("embed.thanks", slug=slug, theme=scheme, lang=locale), 303)


@blueprint.get("/embed/<slug>/thanks")
def thanks(slug: str) -> ResponseReturnValue:
    """After signing in a frame."""
    appeal = published(slug)
    locale, scheme = _speak(appeal), _chosen("theme", SCHEMES)
    return page_cache().answer(
        ("embed-thanks", slug, scheme, locale),
        appeal.revision,
        lambda: render_template("public/embed/thanks.html", appeal=appeal, text=appeal.text_in(locale), scheme=scheme),
        kind=HTML,
        instead=FRAMEABLE,
    )


@blueprint.get("/embed.js")
def script() -> ResponseReturnValue:
    """What the pasted line fetches: puts the frame behind itself and gives it the height of its content."""
    # A frame without a title is nothing to a screen reader.
    title = json.dumps(runtime().settings.theme.name)
    content = _SCRIPT.read_text(encoding="utf-8").replace('"Tocsin"', title).encode()
    return page_cache().answer("embed.js", 0, lambda: content, kind="text/javascript; charset=utf-8", control=_HOUR,
                          instead=_OPEN)  # fmt: skip


@blueprint.get("/oembed")
def oembed() -> ResponseReturnValue:
    """How to embed the appeal under `url` (https://oembed.com): 404 for what is no appeal, 501 for another format."""
    wanted = request.args.get("format", "json")
    if wanted not in {"json", "xml"}:
        return _said("only json and xml are spoken here", 501)
    address = request.args.get("url", "").removeprefix(runtime().settings.base_url)
    found = _APPEAL.fullmatch(address.partition("?")[0].partition("#")[0])
    appeal = data_cache().appeal(found[2]) if found else None
    if found is None or appeal is None or appeal.state == AppealState.DRAFT or not appeal.texts:
        return _said("there is no such appeal", 404)
    sizes = [request.args.get(name, "") for name in ("maxwidth", "maxheight")]
    if any(size and (not size.isascii() or not size.isdigit() or int(size[:6]) == 0) for size in sizes):
        return _said("maxwidth and maxheight are whole numbers of pixels", 400)
    width, height = (int(size[:6]) if size else 9999 for size in sizes)
    said = _oembed(appeal, found[1], min(_WIDTH, width), min(_HEIGHTS["form"], height))
    if wanted == "json":
        return _open(json.dumps(said, ensure_ascii=False), "application/json; charset=utf-8")
    parts = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in said.items())
    body = f'<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n<oembed>{parts}</oembed>\n'
    return _open(body, "text/xml; charset=utf-8")


def _oembed(appeal: AppealView, locale: str, width: int, height: int) -> dict[str, Any]:
    # Where there is no room for the form, the counter.
    kind = "form" if height >= 500 else "counter"
    height = min(height, _HEIGHTS[kind])
    address = absolute(url_for("embed.show", slug=appeal.slug) + "?" + urlencode({"kind": kind, "lang": locale}))
    title = appeal.text_in(locale).headline
    frame = (
        f'<iframe src="{html(address)}" width="{width}" height="{height}" title="{html(title)}" '
        f'loading="lazy" style="border:0;max-width:100%"></iframe>'
    )
    return {
        "version": "1.0",
        "type": "rich",
        "title": title,
        "provider_name": runtime().settings.theme.name,
        "provider_url": runtime().settings.base_url + "/",
        "cache_age": 3600,
        "html": frame,
        "width": width,
        "height": height,
    }


def _chosen(name: str, among: tuple[str, ...]) -> str:
    value = request.args.get(name, among[0])
    return value if value in among else among[0]


def _speak(appeal: AppealView) -> str:
    """The language asked for, else the appeal's own where the pages speak it; the address of a frame names none."""
    asked = request.args.get("lang", "")
    own = appeal.first_language
    g.locale = asked if asked in LOCALES else own if own in LOCALES else DEFAULT
    return str(g.locale)


def _render(kind: str, scheme: str, page: dict[str, Any]) -> str:
    return render_template(f"public/embed/{kind}.html", **page, scheme=scheme)


def _open(body: str, kind: str) -> Response:
    response = make_response(body)
    for name, value in (("Content-Type", kind), ("Cache-Control", _HOUR), *_OPEN):
        response.headers[name] = value
    return response


def _said(reason: str, status: int) -> Response:
    response = _open(reason + "\n", "text/plain; charset=utf-8")
    response.status_code = status
    return response
