"""The letter as a PDF for post and fax, and a QR code that opens the page on a telephone."""

from __future__ import annotations

import io
from typing import Any

import segno
from flask import Blueprint, Response, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, gettext

from campaign.config import LOCALES
from campaign.domain.appeals.appeal import TargetKind
from campaign.letter.address_window import layout_for
from campaign.letter.letter_pdf import GlyphError, PrintedLetter, pdf
from campaign.letter.plain_text import Letter, address_lines, model_letter, signer_name
from campaign.letter.scripts import fax_cover
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView, TargetView, TextView
from campaign.queries.signing.signature import SignatureView
from campaign.web.caching.page_cache import page_cache
from campaign.web.http.locale import LOCALE_PREFIX, current_locale
from campaign.web.public.appeal.pages import published_appeal_or_404
from campaign.web.public.letter.take_action_page import LetterChoice, reachable_targets, read_choice
from campaign.web.public.signing.token import signer_or_refusal

PDF = "application/pdf"
_SVG = "image/svg+xml; charset=utf-8"
blueprint = Blueprint("letter_files", __name__)


@blueprint.get(f"{LOCALE_PREFIX}/appeals/<slug>/letter.pdf")
def unsigned_pdf(slug: str) -> ResponseReturnValue:
    """Return the printable letter without a name.

    The query has `lang`, and optionally `country`, `form`, `target` and `as=fax`.
    """
    appeal = published_appeal_or_404(slug)
    choice = read_choice(appeal, None)
    target = _target(appeal, choice)
    is_fax = request.args.get("as") == "fax"
    layout = layout_for(choice.country).code
    version = appeal.revision, runtime().clock().date()
    key = ("pdf", slug, choice.language, choice.form, layout, target.position if target else 0, is_fax)
    letter = model_letter(appeal.texts[choice.language], None, form=choice.form)
    headers = (("Content-Disposition", _disposition(appeal, choice)),)
    try:
        return page_cache().answer(
            key, version, lambda: letter_pdf(appeal, None, choice, target, letter), content_type=PDF, headers=headers
        )
    except GlyphError:
        return unprintable_page(appeal, choice)


@blueprint.get(f"{LOCALE_PREFIX}/m/<token>/letter.pdf")
def signed_pdf(token: str) -> ResponseReturnValue:
    """Return the letter with the signer's name as PDF."""
    signature = signer_or_refusal(token)
    if not isinstance(signature, SignatureView):
        return signature
    appeal = signature.appeal
    choice = read_choice(appeal, signature)
    target = _target(appeal, choice)
    name = signer_name(appeal, signature.name)
    letter = model_letter(appeal.texts[choice.language], name, form=choice.form)
    try:
        return pdf_response(appeal, signature, choice, target, letter)
    except GlyphError:
        return unprintable_page(appeal, choice)


@blueprint.get(f"{LOCALE_PREFIX}/appeals/<slug>/act.svg")
def qr_code(slug: str) -> Response:
    """Return a QR code that opens the page for taking action on a telephone, with the same choices."""
    appeal = published_appeal_or_404(slug)
    choice = read_choice(appeal, None)
    address = _address("take_action.act_unsigned", {"slug": slug}, choice)
    # The country is not in the key: with it, there would be so many codes that they displace pages from the cache.
    key = ("qr", slug, current_locale(), choice.language, choice.form)
    return page_cache().answer(key, address, lambda: _qr_svg(address), content_type=_SVG)


@blueprint.get(f"{LOCALE_PREFIX}/m/<token>/act.svg")
def qr_code_signed(token: str) -> ResponseReturnValue:
    """Return a QR code that opens the signer's own page; it is not cached."""
    signature = signer_or_refusal(token)
    if not isinstance(signature, SignatureView):
        return signature
    choice = read_choice(signature.appeal, signature)
    return Response(_qr_svg(_address("take_action.act", {"token": token}, choice)), content_type=_SVG)


def pdf_response(
    appeal: AppealView,
    signature: SignatureView | None,
    choice: LetterChoice,
    target: TargetView | None,
    letter: Letter | None,
) -> Response:
    """Return the letter as an answer that is not cached. Raises GlyphError if no font can show it."""
    content = letter_pdf(appeal, signature, choice, target, letter)
    return Response(content, content_type=PDF, headers={"Content-Disposition": _disposition(appeal, choice)})


def letter_pdf(
    appeal: AppealView,
    signature: SignatureView | None,
    choice: LetterChoice,
    target: TargetView | None,
    letter: Letter | None,
) -> bytes:
    """Return the letter as PDF. Raises GlyphError if no font can show it."""
    text = appeal.texts[choice.language]
    today = runtime().clock().date()
    cover = fax_cover(target, letter, today) if request.values.get("as") == "fax" and target and letter else None
    return pdf(
        PrintedLetter(
            language=text.language,
            title=text.headline,
            address=address_lines(target) if target else (),
            dated=today,
            letter=letter,
            name=signer_name(appeal, signature.name if signature else None) or "",
            layout=layout_for(choice.country),
            cover=cover,
            points=text.talking_points,
            points_heading=_points_heading(text),
        ),
        runtime().settings.fonts,
    )


def unprintable_page(appeal: AppealView, choice: LetterChoice) -> ResponseReturnValue:
    """Return the page for a letter whose script no font has, with the alternatives to a PDF."""
    return render_template("public/letter/not_printable.html", appeal=appeal, choice=choice), 422


def chosen_target(appeal: AppealView, choice: LetterChoice, position: str) -> TargetView | None:
    """Return the target with that position; without one, a primary target with an address, else the first target.

    404 for an unknown position; None if there is no target.
    """
    targets = reachable_targets(appeal, choice)
    if position:
        matching = [target for target in appeal.targets_in(choice.language) if str(target.position) == position]
        return matching[0] if matching else abort(404)
    with_address = [target for target in targets if target.address]
    primary = [target for target in with_address if target.kind == TargetKind.PRIMARY]
    return next(iter([*primary, *with_address, *targets]), None)


def _target(appeal: AppealView, choice: LetterChoice) -> TargetView | None:
    return chosen_target(appeal, choice, request.args.get("target", ""))


def _points_heading(text: TextView) -> str:
    """Return the heading of the talking points, in the letter's language if it is a locale, else in English."""
    with force_locale(text.language if text.language in LOCALES else "en"):
        return str(gettext("What to ask for"))


def _disposition(appeal: AppealView, choice: LetterChoice) -> str:
    """Return a Content-Disposition with which the browser shows the file, and saves it under the appeal's name."""
    return f'inline; filename="{appeal.slug}-{choice.language}.pdf"'


def _address(endpoint: str, page: dict[str, str], choice: LetterChoice) -> str:
    values: dict[str, Any] = {**page, **choice.as_query()}
    return runtime().settings.base_url + url_for(endpoint, **values)


def _qr_svg(address: str) -> bytes:
    picture = io.BytesIO()
    segno.make_qr(address, error="m").save(picture, kind="svg", border=3, dark="#000", light="#fff", omitsize=True)
    return picture.getvalue()
