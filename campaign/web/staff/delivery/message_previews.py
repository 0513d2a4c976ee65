"""Previews of every message that Tocsin sends, in every language, with sample data."""

from __future__ import annotations

from flask import Blueprint, Response, abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_mail import Message

from campaign.config import LOCALES
from campaign.domain.errors import NotFoundError
from campaign.domain.outbox.mail_kind import MailAudience, MailKind
from campaign.domain.staff.roles import Permission
from campaign.mail.messages import samples
from campaign.platform.runtime import runtime
from campaign.web.http.locale import current_locale
from campaign.web.mail_frame import frame_content, page_with_frame
from campaign.web.staff.delivery.captions import MESSAGE_NAMES
from campaign.web.staff.staff.access import needs

blueprint = Blueprint("messages", __name__, url_prefix="/messages")


@blueprint.get("")
@needs(Permission.SEE_COUNTS)
def index() -> ResponseReturnValue:
    """Show the list of all messages."""
    groups = {
        audience.value: [kind.value for kind in MailKind if kind.rules.audience is audience]
        for audience in MailAudience
    }
    return render_template("staff/delivery/messages.html", groups=groups, message_names=MESSAGE_NAMES)


@blueprint.get("/<name>")
@needs(Permission.SEE_COUNTS)
def show(name: str) -> ResponseReturnValue:
    """Show one message in one language: sender, subject, HTML part and text part."""
    typed_language = request.args.get("lang", "")
    language = typed_language if typed_language in LOCALES else current_locale()
    message = _message(name, language)
    page = render_template(
        "staff/delivery/message.html",
        name=name,
        title=MESSAGE_NAMES[MailKind(name)],
        language=language,
        message=message,
        size=len(message.as_bytes()),
    )
    return page_with_frame(page)


@blueprint.get("/<name>/<language>.html")
@needs(Permission.SEE_COUNTS)
def html(name: str, language: str) -> Response:
    """Return the HTML part, for the frame."""
    return frame_content(_message(name, language).html or "")


def _message(name: str, language: str) -> Message:
    """Return the message with sample data; answer 404 if there is no message of that name."""
    settings = runtime().settings
    try:
        return samples.preview_message(name, language, sender=settings.mail_from, base_url=settings.base_url)
    except NotFoundError:
        abort(404)
