"""The letter in the supporter's own words: an editor with the model letter beside it.

The answer to the form has the text as links or as a PDF; the text is not stored, with or without JavaScript. If the
supporter asks for it by mail, it is sealed in the outbox until the mail is sent.
"""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from campaign.domain.appeals.appeal import AppealState
from campaign.domain.errors import NotFoundError, StateError
from campaign.domain.signing.signature import SignatureState
from campaign.domain.typed_text import without_controls
from campaign.letter.letter_pdf import GlyphError
from campaign.letter.plain_text import Letter, model_letter, own_letter, signer_name
from campaign.platform import limiter
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.signing.signature import SignatureView
from campaign.services.signing.own_letter import mail_own_letter
from campaign.web.http.locale import LOCALE_PREFIX
from campaign.web.public.appeal.continuation import continued_until
from campaign.web.public.appeal.pages import published_appeal_or_404
from campaign.web.public.context import supporter_context
from campaign.web.public.letter.letter_files import chosen_target, pdf_response
from campaign.web.public.letter.take_action_page import (
    LetterChoice,
    is_letter_printable,
    mail_options,
    reachable_targets,
    read_choice,
)
from campaign.web.public.signing.token import signer_or_refusal

# Characters. With both its parts, such a mail stays below the size that mail programs cut off.
MAX_LENGTH = 10_000
# Typesetting a PDF costs a hundred times as much as a page.
_PDF_LIMITS = "60 per minute; 600 per hour"
_MAIL_LIMITS = "20 per hour"
blueprint = Blueprint("own_letter", __name__)


@blueprint.get(f"{LOCALE_PREFIX}/appeals/<slug>/words")
def show_unsigned(slug: str) -> ResponseReturnValue:
    """Show the editor to readers who have not signed."""
    appeal = published_appeal_or_404(slug)
    if appeal.state == AppealState.STOPPED:
        return redirect(url_for("take_action.act_unsigned", slug=slug))
    return _page(appeal, None, None, read_choice(appeal, None), own_text=None)


@blueprint.post(f"{LOCALE_PREFIX}/appeals/<slug>/words")
@limiter.limit(_PDF_LIMITS)
def write(slug: str) -> ResponseReturnValue:
    """Return the links, or the PDF, of the text."""
    return _process(published_appeal_or_404(slug), None, None)


@blueprint.get(f"{LOCALE_PREFIX}/m/<token>/words")
def show_signed(token: str) -> ResponseReturnValue:
    """Show the editor to a signer; the model letter has their name."""
    signature = signer_or_refusal(token)
    if not isinstance(signature, SignatureView):
        return signature
    if signature.appeal.state == AppealState.STOPPED:
        return redirect(url_for("take_action.act", token=token))
    return _page(signature.appeal, signature, token, read_choice(signature.appeal, signature), own_text=None)


@blueprint.post(f"{LOCALE_PREFIX}/m/<token>/words")
@limiter.limit(_PDF_LIMITS)
@limiter.limit(_MAIL_LIMITS, exempt_when=lambda: request.form.get("do") != "mail")
def write_signed(token: str) -> ResponseReturnValue:
    """Return the links or the PDF of a signer's text, or mail it."""
    signature = signer_or_refusal(token)
    if not isinstance(signature, SignatureView):
        return signature
    return _process(signature.appeal, signature, token)


def _process(appeal: AppealView, signature: SignatureView | None, token: str | None) -> ResponseReturnValue:
    """Return the page with the text's links or errors, or the PDF; mail the text if the form asks for it."""
    choice = read_choice(appeal, signature)
    own_text, error = _read_letter()
    if request.form.get("do") == "carry":  # sent by the language switch, which shows the text unchecked
        return _page(appeal, signature, token, choice, own_text=own_text)
    if error:
        return _page(appeal, signature, token, choice, own_text=own_text, error=error), 422
    letter = own_letter(appeal.texts[choice.language], own_text)
    if request.form.get("do") == "pdf":
        target = chosen_target(appeal, choice, request.form.get("target", ""))
        try:
            return pdf_response(appeal, signature, choice, target, letter)
        except GlyphError:
            error = gettext("No PDF: this server has no font for this script. Print your letter with another program.")
            return _page(appeal, signature, token, choice, own_text=own_text, error=error), 422
    is_mailed = request.form.get("do") == "mail" and signature is not None and _mail(signature, own_text)
    return _page(appeal, signature, token, choice, own_text=own_text, letter=letter, is_mailed=is_mailed)


def _mail(signature: SignatureView, own_text: str) -> bool:
    """Mail the text to the signer; return False if the signature does not allow it or was erased."""
    try:
        mail_own_letter(signature.id, own_text, context=supporter_context())
    except (StateError, NotFoundError):
        return False
    return True


def _read_letter() -> tuple[str, str]:
    """Return the text without control characters, and the error message or ""."""
    own_text = request.form.get("words", "")
    if "\ufffd" in own_text:
        return own_text[:MAX_LENGTH], gettext("We could not read this text. Please type it again.")
    text = without_controls(own_text)
    if not text.strip():
        return "", gettext("Please write your letter first.")
    if len(text) > MAX_LENGTH:
        return text[:MAX_LENGTH], gettext("This letter is too long: 10,000 characters at most.")
    return text, ""


def _page(
    appeal: AppealView,
    signature: SignatureView | None,
    token: str | None,
    choice: LetterChoice,
    *,
    own_text: str | None,
    letter: Letter | None = None,
    is_mailed: bool = False,
    error: str = "",
) -> str:
    """Return the editor with the text so far (None: not yet sent), and the letter made of it with its links."""
    text = appeal.texts[choice.language]
    model = model_letter(text, signer_name(appeal, signature.name if signature else None), form=choice.form)
    if own_text is None:
        own_text = model.text if model and request.args.get("start") == "model" else ""
    targets = reachable_targets(appeal, choice)
    return render_template(
        "public/letter/own_letter.html",
        appeal=appeal,
        is_open=appeal.is_open or continued_until(appeal, signature, choice.country) is not None,
        text=text,
        token=token,
        signature=signature,
        choice=choice,
        own_text=own_text,
        letter=letter,
        model=model,
        mails=mail_options(targets, letter) if letter else (),
        # If no font can show the model letter, an own text in the same script can hardly be printed.
        targets=[target for target in targets if target.address] if is_letter_printable(model, text, targets) else [],
        error=error,
        is_mailed=is_mailed,
        can_mail=signature is not None and signature.state == SignatureState.CONFIRMED,
        form_address=url_for("own_letter.show_signed", token=token)
        if token
        else url_for("own_letter.show_unsigned", slug=appeal.slug),
    )
