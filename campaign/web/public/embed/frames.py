"""Embeds: the form or the counter in a frame on another site, the script that inserts the frame, and oEmbed.

Only these pages may be framed. A frame has no cookie. The page in it is this site's, so the browser sends its form as a
same-origin request, and the check against other sites needs no exception.
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
from campaign.platform import limiter
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.web.caching.data_cache import data_cache
from campaign.web.caching.page_cache import page_cache
from campaign.web.forms import read_sign_form
from campaign.web.http.headers import CROSS_ORIGIN_HEADERS, FRAMEABLE_HEADERS
from campaign.web.http.locale import DEFAULT_LOCALE, absolute_url
from campaign.web.public.appeal.pages import HTML, appeal_page_context, page_version, published_appeal_or_404
from campaign.web.public.signing.sign import LIMITS, form_page_context, submit

KINDS = ("form", "counter")
SCHEMES = ("auto", "light", "dark")
_JAVASCRIPT = "text/javascript; charset=utf-8"
_ONE_HOUR = "public, max-age=3600"
_WIDTH, _HEIGHTS = 480, {"form": 900, "counter": 260}
_SCRIPT_FILE = ROOT / "campaign" / "static" / "embed.js"
_APPEAL = re.compile(rf"/({'|'.join(LOCALES)})/appeals/([^/?#]+)/?")
blueprint = Blueprint("embed", __name__)


@blueprint.url_value_preprocessor
def _set_locale_early(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    # This runs before the request can be refused, so that a refusal is in the language of the frame too.
    if (requested_locale := request.args.get("lang", "")) in LOCALES:
        g.locale = requested_locale


@blueprint.get("/embed/<slug>")
def show(slug: str) -> ResponseReturnValue:
    """Show the form (`kind=form`) or the counter.

    The parameter `theme` chooses light, dark or the system's colour scheme, and `lang` the language.
    """
    appeal = published_appeal_or_404(slug)
    kind, scheme = _query_choice("kind", KINDS), _query_choice("theme", SCHEMES)
    locale = _set_locale(appeal)
    counts = data_cache().counts(appeal)
    now = runtime().clock()
    return page_cache().answer(
        ("embed", slug, kind, scheme, locale),
        page_version(appeal, counts, now),
        lambda: _render(kind, scheme, appeal_page_context(appeal, counts, now, locale)),
        content_type=HTML,
        headers=FRAMEABLE_HEADERS,
    )


@blueprint.post("/embed/<slug>")
@limiter.limit(LIMITS, deduct_when=lambda response: response.status_code == 303)
def create(slug: str) -> ResponseReturnValue:
    """Sign as the form of the appeal's page does, but stay inside the frame; 422 with the form and its errors."""
    appeal = published_appeal_or_404(slug)
    locale = _set_locale(appeal)
    scheme = _query_choice("theme", SCHEMES)
    refusal = submit(appeal, read_sign_form(request.form))
    if refusal is not None:
        return _render("form", scheme, form_page_context(appeal, refusal)), 422
    return redirect(url_for("embed.thanks", slug=slug, theme=scheme, lang=locale), 303)


@blueprint.get("/embed/<slug>/thanks")
def thanks(slug: str) -> ResponseReturnValue:
    """Show the page after signing in a frame."""
    appeal = published_appeal_or_404(slug)
    locale, scheme = _set_locale(appeal), _query_choice("theme", SCHEMES)
    return page_cache().answer(
        ("embed-thanks", slug, scheme, locale),
        appeal.revision,
        lambda: render_template("public/embed/thanks.html", appeal=appeal, text=appeal.text_in(locale), scheme=scheme),
        content_type=HTML,
        headers=FRAMEABLE_HEADERS,
    )


@blueprint.get("/embed.js")
def script() -> ResponseReturnValue:
    """Return the script for other sites, which inserts the frame and gives it the height of its content."""
    # Screen readers announce a frame by its title.
    title = json.dumps(runtime().settings.theme.name)
    content = _SCRIPT_FILE.read_text(encoding="utf-8").replace('"Tocsin"', title).encode()
    return page_cache().answer(
        "embed.js", 0, lambda: content, content_type=_JAVASCRIPT, cache_control=_ONE_HOUR, headers=CROSS_ORIGIN_HEADERS
    )


@blueprint.get("/oembed")
def oembed() -> ResponseReturnValue:
    """Return how to embed the appeal under `url` (https://oembed.com).

    404 if the address is not that of an appeal, 501 for another format than JSON and XML.
    """
    answer_format = request.args.get("format", "json")
    if answer_format not in {"json", "xml"}:
        return _plain_answer("only json and xml are spoken here", 501)
    address = request.args.get("url", "").removeprefix(runtime().settings.base_url)
    match = _APPEAL.fullmatch(address.partition("?")[0].partition("#")[0])
    appeal = data_cache().published_appeal(match[2]) if match else None
    if match is None or appeal is None:
        return _plain_answer("there is no such appeal", 404)
    sizes = [request.args.get(name, "") for name in ("maxwidth", "maxheight")]
    if any(size and (not size.isascii() or not size.isdigit() or int(size[:6]) == 0) for size in sizes):
        return _plain_answer("maxwidth and maxheight are whole numbers of pixels", 400)
    width, height = (int(size[:6]) if size else 9999 for size in sizes)
    data = _oembed(appeal, match[1], min(_WIDTH, width), min(_HEIGHTS["form"], height))
    if answer_format == "json":
        return _cross_origin_answer(json.dumps(data, ensure_ascii=False), "application/json; charset=utf-8")
    parts = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in data.items())
    body = f'<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n<oembed>{parts}</oembed>\n'
    return _cross_origin_answer(body, "text/xml; charset=utf-8")


def _oembed(appeal: AppealView, locale: str, width: int, height: int) -> dict[str, Any]:
    """Return oEmbed's answer for a frame of at most this size in pixels: the form, or the counter in a low frame."""
    kind = "form" if height >= 500 else "counter"
    height = min(height, _HEIGHTS[kind])
    address = absolute_url(url_for("embed.show", slug=appeal.slug) + "?" + urlencode({"kind": kind, "lang": locale}))
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


def _query_choice(name: str, choices: tuple[str, ...]) -> str:
    """Return the value of a query parameter if it is one of the choices, else the first choice."""
    value = request.args.get(name, choices[0])
    return value if value in choices else choices[0]


def _set_locale(appeal: AppealView) -> str:
    """Set and return the requested locale, else the appeal's first language if it is a locale, else English.

    The path of a frame has no language, unlike that of a page.
    """
    candidates = (request.args.get("lang", ""), appeal.first_language)
    g.locale = next((locale for locale in candidates if locale in LOCALES), DEFAULT_LOCALE)
    return str(g.locale)


def _render(kind: str, scheme: str, page: dict[str, Any]) -> str:
    return render_template(f"public/embed/{kind}.html", **page, scheme=scheme)


def _cross_origin_answer(body: str, content_type: str) -> Response:
    response = make_response(body)
    for name, value in (("Content-Type", content_type), ("Cache-Control", _ONE_HOUR), *CROSS_ORIGIN_HEADERS):
        response.headers[name] = value
    return response


def _plain_answer(reason: str, status: int) -> Response:
    response = _cross_origin_answer(reason + "\n", "text/plain; charset=utf-8")
    response.status_code = status
    return response
