"""An appeal's text in one language: the form with the document beside it, and previews as mail and as PDF."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import Any

from flask import Blueprint, Response, abort, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from campaign.config import LOCALES
from campaign.domain.errors import InvalidFieldsError, StateError
from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.staff.roles import Permission
from campaign.domain.typed_text import is_language, unix_lines
from campaign.letter.letter_pdf import GlyphError, PrintedLetter, pdf
from campaign.letter.plain_text import address_lines, model_letter, signer_name
from campaign.mail.messages import messages
from campaign.mail.messages.envelope import Envelope
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView, TextView
from campaign.queries.appeals.editor import AppealForEditing
from campaign.services.appeals.edit_text import write_text
from campaign.web.http.headers import CONTENT_SECURITY_POLICY
from campaign.web.staff.appeals.editing import (
    address_after,
    appeal_or_404,
    editable_or_404,
    form_values,
    own_appeal_or_404,
    read_original,
    refusal_page,
    refuse_ended,
)
from campaign.web.staff.staff.access import needs, staff_context

blueprint = Blueprint("text", __name__, url_prefix="/appeals/<slug>/texts/<language>")
# A mail has inline styles; nothing else may load or run. The demonstration's mailbox has the same policy.
_MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
_EMPTY: dict[str, Any] = {
    "headline": "",
    "people": [],
    "summary": "",
    "salutation": None,
    "paragraphs": [],
    "closing": None,
    "talking_points": [],
    "background": "",
}
_SPARE_PEOPLE = 1


@blueprint.get("")
@needs(Permission.EDIT)
def show(slug: str, language: str) -> ResponseReturnValue:
    """Show the form with the stored text, or an empty form for a new language."""
    edited_appeal = editable_or_404(slug) if is_language(language) else abort(404)
    values = edited_appeal.words.get(language, _EMPTY)
    return _page(edited_appeal, language, values, original=edited_appeal.words.get(language, {}))


@blueprint.post("")
@needs(Permission.EDIT)
def save(slug: str, language: str) -> ResponseReturnValue:
    """Save the text as a new version."""
    edited_appeal = own_appeal_or_404(slug) if is_language(language) else abort(404)
    input_values, original = _read_form(), read_original()
    try:
        refuse_ended(edited_appeal)
        version = write_text(slug, language, input_values, original, context=staff_context())
    except (InvalidFieldsError, StateError) as error:
        return refusal_page(error, partial(_page, edited_appeal, language), input_values, original, slug, _EMPTY)
    flash(gettext("Kept.") if version else gettext("Nothing was changed."), "success")
    if version and version > 1 and edited_appeal.appeal.is_open:
        reminder = gettext(
            "Does the letter now say something else? Then tell those who signed it before, under “Mail to supporters”: "
            "tick that it was reworded."
        )
        flash(reminder, "info")
    return redirect(address_after(edited_appeal, "", "result"), 303)


@blueprint.get("/mail")
@needs(Permission.SEE_COUNTS)
def mail(slug: str, language: str) -> ResponseReturnValue:
    """Show the confirmation mail with this letter, as text and in a frame as HTML."""
    appeal, text = _text_or_404(slug, language)
    message = _message(appeal, text)
    page = render_template(
        "staff/appeals/preview.html", appeal=appeal, text=text, subject=message.subject, body=message.body
    )
    response = make_response(page)
    response.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
    return response


@blueprint.get("/mail.html")
@needs(Permission.SEE_COUNTS)
def mail_html(slug: str, language: str) -> Response:
    """Return the mail's HTML part alone, for the frame."""
    appeal, text = _text_or_404(slug, language)
    response = Response(_message(appeal, text).html or "", content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _MAIL_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


@blueprint.get("/letter.pdf")
@needs(Permission.SEE_COUNTS)
def letter_pdf(slug: str, language: str) -> ResponseReturnValue:
    """Return the letter to the first target as a PDF."""
    appeal, text = _text_or_404(slug, language)
    name = signer_name(appeal, gettext("Name of the signer"))
    target = next(iter(appeal.targets_in(language)), None)
    sheet = PrintedLetter(
        language=language,
        title=text.headline,
        address=address_lines(target) if target else (),
        dated=runtime().clock().date(),
        letter=model_letter(text, name, target=target),
        name=name or "",
        points=text.talking_points,
        points_heading=gettext("What to ask for"),
    )
    try:
        content = pdf(sheet, runtime().settings.fonts)
    except GlyphError:
        flash(gettext("No font on the server can print this script (TOCSIN_FONTS)."), "error")
        return redirect(url_for("editor.show", slug=slug), 303)
    headers = {"Content-Disposition": f'inline; filename="{appeal.slug}-{language}.pdf"'}
    return Response(content, content_type="application/pdf", headers=headers)


def _text_or_404(slug: str, language: str) -> tuple[AppealView, TextView]:
    appeal = appeal_or_404(slug).appeal
    return appeal, appeal.texts.get(language) or abort(404)


def _message(appeal: AppealView, text: TextView) -> Any:
    """Return the confirmation mail with this text, with links that lead nowhere."""
    now, settings = runtime().clock(), runtime().settings
    locale = text.language if text.language in LOCALES else "en"
    site = f"{settings.base_url}/{locale}"
    page = f"{site}/appeals/{appeal.slug}"
    links = messages.MailLinks(page, f"{site}/s/…", f"{site}/m/…/act", f"{site}/m/…/me", None)
    envelope = Envelope(settings.mail_from, "reader@mail.example", "<preview@tocsin.invalid>", now, locale)
    return messages.to_signer(MailKind.CONFIRMATION, envelope, messages.SignedAppeal(appeal, text, ""), links)


def _read_form() -> dict[str, Any]:
    """Return the form's fields by the names of the text's parts."""
    form = request.form
    names, pronouns = form.getlist("person_name"), form.getlist("person_pronoun")
    pronouns += [""] * len(names)
    return {
        "headline": form.get("headline", ""),
        "people": [
            {"name": name, "pronoun": pronouns[index] or None} for index, name in enumerate(names) if name.strip()
        ],
        "summary": unix_lines(form.get("summary", "")),
        "salutation": form.get("salutation", "") or None,
        "paragraphs": _paragraphs(form.get("letter", "")),
        "closing": unix_lines(form.get("closing", "")) or None,
        "talking_points": [line for line in unix_lines(form.get("talking_points", "")).split("\n") if line.strip()],
        "background": unix_lines(form.get("background", "")),
    }


def _paragraphs(text: str) -> list[str]:
    return [part.strip("\n") for part in re.split(r"\n[ \t]*\n", unix_lines(text)) if part.strip()]


def _page(edited_appeal: AppealForEditing, language: str, values: dict[str, Any], **shown: Any) -> str:
    """Return the form with the values; `shown` are further arguments of `form_values`."""
    document = edited_appeal.documents.get(language)
    with_document = replace(edited_appeal, documents={language: document} if document else {})
    return render_template(
        "staff/appeals/text.html",
        **form_values(with_document, **shown),
        language=language,
        version=edited_appeal.versions.get(language),
        values=values,
        people=[*values["people"], *({"name": "", "pronoun": ""} for _ in range(_SPARE_PEOPLE))],
        document=document,
    )
