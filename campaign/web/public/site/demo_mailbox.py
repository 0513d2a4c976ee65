"""The mailbox of a demonstration, which shows the mails that the worker has sent; it exists only with TOCSIN_DEMO."""

from __future__ import annotations

import mailbox
import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from flask import Blueprint, Response, abort, render_template
from flask.typing import ResponseReturnValue
from markupsafe import Markup, escape

from campaign.platform.runtime import runtime
from campaign.web.mail_frame import frame_content, page_with_frame

blueprint = Blueprint("demo_mailbox", __name__)
_LINK = re.compile(r"https?://[^\s<>\"]+")
_MAX_SHOWN = 100


@blueprint.get("/dev/mail")
def index() -> ResponseReturnValue:
    """Show the newest messages first."""
    box = _mailbox()
    messages = [] if box is None else [(key, _read(box, key)) for key in box.keys()]  # noqa: SIM118  not a dict
    messages.sort(key=lambda pair: (pair[1]["Date"].datetime, pair[0]), reverse=True)
    return render_template("public/site/demo_mailbox.html", messages=messages[:_MAX_SHOWN])


@blueprint.get("/dev/mail/<key>")
def show(key: str) -> ResponseReturnValue:
    """Show one message: its text, and its HTML in a frame."""
    message = _message(key)
    text = _with_links(_part(message, "plain"))
    return page_with_frame(
        render_template("public/site/demo_mailbox_message.html", message=message, key=key, text=text)
    )


@blueprint.get("/dev/mail/<key>/html")
def html(key: str) -> Response:
    """Return the HTML part as the content of the frame."""
    return frame_content(_part(_message(key), "html"), opens_links=True)


def _mailbox() -> mailbox.Maildir | None:
    """Return the Maildir of the settings; None if mail goes to a server, or none was sent yet."""
    url = runtime().settings.mail_url
    path = Path(url.removeprefix("maildir:"))
    if not url.startswith("maildir:") or not path.is_dir():
        return None
    return mailbox.Maildir(path, create=False)


def _message(key: str) -> EmailMessage:
    box = _mailbox()
    if box is None or key not in box:
        abort(404)
    return _read(box, key)


def _read(box: mailbox.Maildir, key: str) -> EmailMessage:
    return message_from_bytes(box.get_bytes(key), policy=policy.default)


def _part(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    return "" if part is None else str(part.get_content())


def _with_links(text: str) -> Markup:
    """Return the text as HTML in which each address is a link."""
    parts = []
    end = 0
    for match in _LINK.finditer(text):
        address = escape(match.group())
        parts.append(escape(text[end : match.start()]) + Markup('<a href="{0}">{0}</a>').format(address))
        end = match.end()
    return Markup("").join([*parts, escape(text[end:])])
