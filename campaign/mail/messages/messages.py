"""The messages: subject, text and HTML in the reader's language.

The registry names the subject of each message; its templates bear its name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from babel import Locale
from flask_babel import force_locale, gettext, ngettext
from flask_mail import Message

from campaign.document.text.message_markup import message_html, message_text
from campaign.domain.appeals.appeal import TargetKind
from campaign.domain.outbox.mail_kind import ENDABLE, MailKind
from campaign.letter.plain_text import address_lines, letter_text, signer_name
from campaign.mail.messages.envelope import Envelope, write
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView, TargetView, TextView

# The limit of the letter: with both parts, encoding and markup the message stays under 60 KB. A printed page has about
# 3,000 bytes; a longer letter ends with a link to the page.
_LETTER_BYTES = 12_000
_LIST_BYTES = 4_000


@dataclass(frozen=True, slots=True)
class SignedAppeal:
    """A signature as a message shows it: the appeal, its text in the version that was signed, and the signer's name.

    `letter_name` is the name under the letter, where it is not made of the name.
    """

    appeal: AppealView
    text: TextView
    name: str
    letter_name: str | None = None


@dataclass(frozen=True, slots=True)
class MailLinks:
    """The links of a message, each for this signer alone except that of the appeal."""

    appeal: str
    confirm: str
    act: str
    me: str
    unsubscribe: str | None


@dataclass(frozen=True, slots=True)
class AnnouncedText:
    """An announcement in one language; the body is Markdown."""

    language: str
    subject: str
    body: str
    # The letter that was signed has been reworded: the mail says so, and how to take the signature back.
    is_rewording: bool = False


@dataclass(frozen=True, slots=True)
class MessageDetails:
    """Values that some messages to signers use besides; each message reads those that it needs."""

    # The appeals that the same link confirms.
    others: Sequence[TextView] = ()
    announced: AnnouncedText | None = None
    days_left: int = 0
    # Values from the row of the mail for this message alone, by the names that its templates use.
    context: Mapping[str, str] = field(default_factory=dict)


NO_DETAILS = MessageDetails()


def to_signer(
    kind: MailKind, envelope: Envelope, signed: SignedAppeal, links: MailLinks, details: MessageDetails = NO_DETAILS
) -> Message:
    """Return a message about an appeal to its signer, in the envelope's language."""
    with force_locale(envelope.locale):
        own = _VALUES[kind](signed, links, details) if kind in _VALUES else {}
        values = {**details.context, **_about(signed, links), **own}
        unsubscribe_url = links.unsubscribe if kind in ENDABLE else None
        return write(envelope, _subject(kind, signed, details), kind.value, values, unsubscribe_url=unsubscribe_url)


def to_address(kind: MailKind, envelope: Envelope, context: Mapping[str, str]) -> Message:
    """Return a message to an address that its own row names, in the envelope's language.

    `context` holds what the templates use: for STAFF_INVITATION url, section, role and valid (how long, in the reader's
    language); for STAFF_DIGEST url, unsubscribe and appeals, a JSON list (`services/announcements/weekly_digest.py`);
    for all others subject, text and url (may be empty).
    """
    with force_locale(envelope.locale):
        said = kind.rules.subject
        what = context.get("subject", "")
        subject = what if said is None else gettext(said, site=runtime().settings.theme.name, what=what)
        values = context if kind is not MailKind.STAFF_DIGEST else {**context, "appeals": _digested(context["appeals"])}
        unsubscribe_url = context["unsubscribe"] if kind in ENDABLE else None
        return write(envelope, subject, kind.value, values, unsubscribe_url=unsubscribe_url)


def _subject(kind: MailKind, signed: SignedAppeal, details: MessageDetails) -> str:
    headline = signed.text.headline
    if kind is MailKind.DEADLINE_REMINDER:
        days = details.days_left
        said = ngettext("%(num)d day left: %(headline)s", "%(num)d days left: %(headline)s", days, headline=headline)
        return str(said)
    if kind.rules.subject is None:
        return "" if details.announced is None else details.announced.subject
    return str(gettext(kind.rules.subject, headline=headline, site=runtime().settings.theme.name))


def _digested(appeals: str) -> list[dict[str, Any]]:
    return [one | {"direction": Locale(one["language"]).text_direction} for one in json.loads(appeals)]


def _confirmation(signed: SignedAppeal, links: MailLinks, details: MessageDetails) -> dict[str, Any]:
    """Return the letter and the appeals that the same link confirms.

    The reader may not be the person who typed the address: nothing that was typed is in it.
    """
    return {**_letter(replace(signed, letter_name=gettext("your name"))), "others": details.others}


def _already_signed(signed: SignedAppeal, links: MailLinks, details: MessageDetails) -> dict[str, Any]:
    """Return whether another person signed from the same mailbox: then the mail has a link to confirm."""
    return {"is_other": bool(links.confirm)}


def _with_ways(signed: SignedAppeal, links: MailLinks, details: MessageDetails) -> dict[str, Any]:
    return {"ways": _ways(signed)}


def _deadline_reminder(signed: SignedAppeal, links: MailLinks, details: MessageDetails) -> dict[str, Any]:
    return {"days_left": details.days_left}


def _announcement(signed: SignedAppeal, links: MailLinks, details: MessageDetails) -> dict[str, Any]:
    """Return the words of the staff. Raises LookupError where there are none."""
    announced = details.announced
    if announced is None:
        raise LookupError("the announcement or its text is gone")
    return {
        "announced": announced,
        "announced_direction": Locale(announced.language).text_direction,
        "body_html": message_html(announced.body),
        "body_plain": message_text(announced.body),
    }


# Values that the templates of these messages use besides the appeal, its text, the signer and the links.
_VALUES: dict[MailKind, Callable[[SignedAppeal, MailLinks, MessageDetails], dict[str, Any]]] = {
    MailKind.CONFIRMATION: _confirmation,
    MailKind.ALREADY_SIGNED: _already_signed,
    MailKind.CONFIRMED: _with_ways,
    MailKind.OWN_LETTER: _with_ways,
    MailKind.DEADLINE_REMINDER: _deadline_reminder,
    MailKind.UPDATE: _announcement,
    MailKind.OUTCOME: _announcement,
}


def _about(signed: SignedAppeal, links: MailLinks) -> dict[str, Any]:
    return {
        "appeal": signed.appeal,
        "text": signed.text,
        "name": signed.name,
        "links": links,
        "text_direction": Locale(signed.text.language).text_direction,
    }


def _letter(signed: SignedAppeal) -> dict[str, Any]:
    targets = ["\n".join(address_lines(target)) for target in signed.appeal.targets_in(signed.text.language)]
    name = signed.letter_name or signer_name(signed.appeal, signed.name)
    paragraphs = letter_text(signed.text, name).split("\n\n")
    points = list(signed.text.talking_points)
    shown = _fitting(paragraphs, _LETTER_BYTES)
    return {
        "targets": [target.split("\n") for target in _fitting(targets, _LIST_BYTES)],
        "letter": shown if signed.text.has_letter else [],
        "points": _fitting(points, _LETTER_BYTES),
        "is_cut": len(shown) < len(paragraphs) or len(_fitting(points, _LETTER_BYTES)) < len(points),
    }


def _ways(signed: SignedAppeal) -> list[tuple[str, list[tuple[str, list[str]]]]]:
    """Return the ways to send the letter to each target, as (name, [(channel, lines)]).

    Call it under the reader's locale.
    """
    ways = []
    room = _LIST_BYTES
    for target in signed.appeal.targets_in(signed.text.language):
        found = [(by, lines) for by, lines in _ways_to(target) if lines]
        room -= sum(len(line.encode()) + 40 for _, lines in found for line in lines)
        if found and room > 0:
            ways.append((target.name or target.role or "", found))
    return ways


def _ways_to(target: TargetView) -> list[tuple[str, list[str]]]:
    role = gettext("Copy by e-mail:") if target.kind == TargetKind.COPY else gettext("By e-mail:")
    return [
        (role, list(target.emails)),
        (gettext("By post:"), list(address_lines(target)) if target.address else []),
        (gettext("By fax:"), list(target.faxes)),
        (gettext("By phone:"), list(target.phones)),
    ]


def _fitting(parts: list[str], room: int) -> list[str]:
    """Return the first parts that fit into `room` bytes; the rest is on the page."""
    fitting = []
    for part in parts:
        room -= len(part.encode()) + 40 * (1 + part.count("\n"))
        if room < 0:
            break
        fitting.append(part)
    return fitting
