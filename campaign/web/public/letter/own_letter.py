"""The letter in the supporter's own words: an editor with the model letter beside it.

What is typed is turned into links and a PDF in the answer to the form and kept nowhere, with or without JavaScript;
only who asks to be mailed it has it sealed in the outbox until the mail is gone.
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
from campaign.web.http.locale import PREFIX
from campaign.web.public.appeal.continuation import goes_on_until
from campaign.web.public.appeal.pages import published
from campaign.web.public.context import supporter_context
from campaign.web.public.letter.letter_files import as_pdf, chosen_target
from campaign.web.public.letter.take_action_page import LetterChoice, is_letter_printable, mails, reachable, read_choice
from campaign.web.public.signing.token import signer

# With both its parts, a mail of so many stays below what mail programs cut off.
MOST = 10_000
# Setting a PDF costs a hundred times what a page does.
_LIMITS = "60 per minute; 600 per hour"
_MAIL_LIMITS = "20 per hour"
blueprint = Blueprint("own_letter", __name__)


@blueprint.get(f"{PREFIX}/appeals/<slug>/words")
def unsigned(slug: str) -> ResponseReturnValue:
    """The editor, for anybody."""
    appeal = published(slug)
    if appeal.state == AppealState.STOPPED:
        return redirect(url_for("take_action.act_unsigned", slug=slug))
    return _page(appeal, None, None, read_choice(appeal, None), words=None)


@blueprint.post(f"{PREFIX}/appeals/<slug>/words")
@limiter.limit(_LIMITS)
def write(slug: str) -> ResponseReturnValue:
    """The links, or the PDF, of what was typed."""
    return _written(published(slug), None, None)


@blueprint.get(f"{PREFIX}/m/<token>/words")
def signed(token: str) -> ResponseReturnValue:
    """The editor, for somebody who has signed: the model letter has their name."""
    signature = signer(token)
    if not isinstance(signature, SignatureView):
        return signature
    if signature.appeal.state == AppealState.STOPPED:
        return redirect(url_for("take_action.act", token=token))
    return _page(signature.appeal, signature, token, read_choice(signature.appeal, signature), words=None)


@blueprint.post(f"{PREFIX}/m/<token>/words")
@limiter.limit(_LIMITS)
@limiter.limit(_MAIL_LIMITS, exempt_when=lambda: request.form.get("do") != "mail")
def write_signed(token: str) -> ResponseReturnValue:
    """The same for somebody who has signed."""
    signature = signer(token)
    if not isinstance(signature, SignatureView):
        return signature
    return _written(signature.appeal, signature, token)


def _written(appeal: AppealView, signature: SignatureView | None, token: str | None) -> ResponseReturnValue:
    choice = read_choice(appeal, signature)
    words, error = _read_words()
    if request.form.get("do") == "carry":  # the language switch: what was typed goes along, right or not
        return _page(appeal, signature, token, choice, words=words)
    if error:
        return _page(appeal, signature, token, choice, words=words, error=error), 422
    letter = own_letter(appeal.texts[choice.language], words)
    if request.form.get("do") == "pdf":
        target = chosen_target(appeal, choice, request.form.get("target", ""))
        try:
            return as_pdf(appeal, signature, choice, target, letter)
        except GlyphError:
            error = gettext("No PDF: this server has no font for this script. Print your letter with another program.")
            return _page(appeal, signature, token, choice, words=words, error=error), 422
    is_mailed = request.form.get("do") == "mail" and signature is not None and _mail(signature, words)
    return _page(appeal, signature, token, choice, words=words, letter=letter, is_mailed=is_mailed)


def _mail(signature: SignatureView, words: str) -> bool:
    try:
        mail_own_letter(signature.id, words, context=supporter_context())
    except (StateError, NotFoundError):
        return False
    return True


def _read_words() -> tuple[str, str]:
    """What was typed, without control characters, and what is wrong with it."""
    typed = request.form.get("words", "")
    if "\ufffd" in typed:
        return typed[:MOST], gettext("We could not read this text. Please type it again.")
    kept = without_controls(typed)
    if not kept.strip():
        return "", gettext("Please write your letter first.")
    if len(kept) > MOST:
        return kept[:MOST], gettext("This letter is too long: 10,000 characters at most.")
    return kept, ""


def _page(
    appeal: AppealView,
    signature: SignatureView | None,
    token: str | None,
    choice: LetterChoice,
    *,
    words: str | None,
    letter: Letter | None = None,
    is_mailed: bool = False,
    error: str = "",
) -> str:
    text = appeal.texts[choice.language]
    model = model_letter(text, signer_name(appeal, signature.name if signature else None), form=choice.form)
    if words is None:
        words = model.text if model and request.args.get("start") == "model" else ""
    targets = reachable(appeal, choice)
    return render_template(
        "public/letter/own_letter.html",
        appeal=appeal,
        is_open=appeal.is_open or goes_on_until(appeal, signature, choice.country) is not None,
        text=text,
        token=token,
        signature=signature,
        choice=choice,
        words=words,
        letter=letter,
        model=model,
        mails=mails(targets, letter) if letter else (),
        # What the model's script cannot be printed in, the supporter's own words hardly can.
        targets=[one for one in targets if one.address] if is_letter_printable(model, text, targets) else [],
        error=error,
        is_mailed=is_mailed,
        can_mail=signature is not None and signature.state == SignatureState.CONFIRMED,
        own_address=url_for("own_letter.signed", token=token)
        if token
        else url_for("own_letter.unsigned", slug=appeal.slug),
    )
