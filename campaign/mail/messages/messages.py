"""The messages: subject, text and HTML in the reader's language.

The subject of each kind is in `domain/outbox/mail_kind.py`; its templates have the name of the kind.
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
from campaign.domain.outbox.mail_kind import UNSUBSCRIBABLE_KINDS, MailKind
from campaign.letter.plain_text import address_lines, letter_text, signer_name
from campaign.mail.messages.envelope import Envelope, write
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView, TargetView, TextView

# With a letter of at most this size, the whole message stays under 60 KB. A printed page has about 3,000 bytes. A
# longer letter is cut, with a link to the page.
_LETTER_BYTES = 12_000
_LIST_BYTES = 4_000


@dataclass(frozen=True, slots=True)
class SignedAppeal:
    """A signature as a message shows it: the appeal, its text in the version that was signed, and the signer's name.

    `letter_name` is the name under the letter; None where it is made from `name`.
    """

    appeal: AppealView
    text: TextView
    name: str
    letter_name: str | None = None


@dataclass(frozen=True, slots=True)
class MailLinks:
    """The links of a message. All but the link to the appeal are for this signer only."""

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
    # Whether it announces that the signed letter was reworded; the mail then says how to withdraw the signature.
    is_rewording: bool = False


@dataclass(frozen=True, slots=True)
class MessageDetails:
    """Further values for messages to signers. Each kind of message uses those that it needs."""

    # The appeals that the same link confirms.
    others: Sequence[TextView] = ()
    announced: AnnouncedText | None = None
    days_left: int = 0
    # Values for this message only, from the row of its mail, by the names that its templates use.
    context: Mapping[str, str] = field(default_factory=dict)


NO_DETAILS = MessageDetails()


def to_signer(
    kind: MailKind, envelope: Envelope, signed: SignedAppeal, links: MailLinks, details: MessageDetails = NO_DETAILS
) -> Message:
    """Return a message about an appeal to its signer, in the envelope's language."""
    with force_locale(envelope.locale):
        kind_values = _VALUES[kind](signed, links, details) if kind in _VALUES else {}
        values = {**details.context, **_common_values(signed, links), **kind_values}
        unsubscribe_url = links.unsubscribe if kind in UNSUBSCRIBABLE_KINDS else None
        return write(envelope, _subject(kind, signed, details), kind.value, values, unsubscribe_url=unsubscribe_url)


def to_address(kind: MailKind, envelope: Envelope, context: Mapping[str, str]) -> Message:
    """Return a message to an address that is stored with the mail itself, in the envelope's language.

    `context` holds what the templates use: for STAFF_INVITATION url, section, role and valid (how long, in the reader's
    language); for STAFF_DIGEST url, unsubscribe and appeals, a JSON list (`services/announcements/weekly_digest.py`);
    for all others subject, text and url (may be empty).
    """
    with force_locale(envelope.locale):
        pattern, own_subject = kind.rules.subject, context.get("subject", "")
        site = runtime().settings.theme.name
        subject = own_subject if pattern is None else gettext(pattern, site=site, what=own_subject)
        values: Mapping[str, Any] = context
        if kind is MailKind.STAFF_DIGEST:
            values = {**context, "appeals": _with_direction(context["appeals"])}
        unsubscribe_url = context["unsubscribe"] if kind in UNSUBSCRIBABLE_KINDS else None
        return write(envelope, subject, kind.value, values, unsubscribe_url=unsubscribe_url)


def _subject(kind: MailKind, signed: SignedAppeal, details: MessageDetails) -> str:
    """Return the subject of a message to a signer: the kind's own, or the one of the announcement."""
    headline = signed.text.headline
    if kind is MailKind.DEADLINE_REMINDER:
        days = details.days_left
        return str(
            ngettext("%(num)d day left: %(headline)s", "%(num)d days left: %(headline)s", days, headline=headline)
        )
    if kind.rules.subject is None:
        return "" if details.announced is None else details.announced.subject
    return str(gettext(kind.rules.subject, headline=headline, site=runtime().settings.theme.name))


def _with_direction(appeals: str) -> list[dict[str, Any]]:
    return [appeal | {"direction": Locale(appeal["language"]).text_direction} for appeal in json.loads(appeals)]


def _confirmation(signed: SignedAppeal, links: MailLinks, details: MessageDetails) -> dict[str, Any]:
    """Return the letter and the appeals that the same link confirms.

    The reader may not be the person who filled in the form, so nothing that was typed there is included.
    """
    return {**_letter(replace(signed, letter_name=gettext("your name"))), "others": details.others}


def _already_signed(signed: SignedAppeal, links: MailLinks, details: MessageDetails) -> dict[str, Any]:
    """Return whether a second person signs from the same mailbox; only then the mail has a link to confirm."""
    return {"is_other": bool(links.confirm)}


def _channels_of_targets(signed: SignedAppeal, links: MailLinks, details: MessageDetails) -> dict[str, Any]:
    return {"ways": _ways(signed)}


def _deadline_reminder(signed: SignedAppeal, links: MailLinks, details: MessageDetails) -> dict[str, Any]:
    return {"days_left": details.days_left}


def _announcement(signed: SignedAppeal, links: MailLinks, details: MessageDetails) -> dict[str, Any]:
    """Return the announcement's text, as HTML and plain. Raises LookupError where there is none."""
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
    MailKind.CONFIRMED: _channels_of_targets,
    MailKind.OWN_LETTER: _channels_of_targets,
    MailKind.DEADLINE_REMINDER: _deadline_reminder,
    MailKind.UPDATE: _announcement,
    MailKind.OUTCOME: _announcement,
}


def _common_values(signed: SignedAppeal, links: MailLinks) -> dict[str, Any]:
    """Return the values that the templates of all messages to signers use."""
    return {
        "appeal": signed.appeal,
        "text": signed.text,
        "name": signed.name,
        "links": links,
        "text_direction": Locale(signed.text.language).text_direction,
    }


def _letter(signed: SignedAppeal) -> dict[str, Any]:
    """Return the targets, and as much of the letter or the talking points as fits."""
    targets = ["\n".join(address_lines(target)) for target in signed.appeal.targets_in(signed.text.language)]
    name = signed.letter_name or signer_name(signed.appeal, signed.name)
    paragraphs = letter_text(signed.text, name).split("\n\n")
    points = list(signed.text.talking_points)
    shown_paragraphs, shown_points = _fitting(paragraphs, _LETTER_BYTES), _fitting(points, _LETTER_BYTES)
    return {
        "targets": [target.split("\n") for target in _fitting(targets, _LIST_BYTES)],
        "letter": shown_paragraphs if signed.text.has_letter else [],
        "points": shown_points,
        "is_cut": len(shown_paragraphs) < len(paragraphs) or len(shown_points) < len(points),
    }


def _ways(signed: SignedAppeal) -> list[tuple[str, list[tuple[str, list[str]]]]]:
    """Return the ways to reach each target, as (name, [(channel, lines)]). Call it under the reader's locale."""
    ways = []
    remaining_bytes = _LIST_BYTES
    for target in signed.appeal.targets_in(signed.text.language):
        target_ways = [(channel, lines) for channel, lines in _ways_to(target) if lines]
        remaining_bytes -= sum(len(line.encode()) + 40 for _, lines in target_ways for line in lines)
        if target_ways and remaining_bytes > 0:
            ways.append((target.name or target.role or "", target_ways))
    return ways


def _ways_to(target: TargetView) -> list[tuple[str, list[str]]]:
    """Return each channel with the lines of the target's address; no lines where the target has none."""
    by_email = gettext("Copy by e-mail:") if target.kind == TargetKind.COPY else gettext("By e-mail:")
    return [
        (by_email, list(target.emails)),
        (gettext("By post:"), list(address_lines(target)) if target.address else []),
        (gettext("By fax:"), list(target.faxes)),
        (gettext("By phone:"), list(target.phones)),
    ]


def _fitting(parts: list[str], max_bytes: int) -> list[str]:
    """Return the first parts that fit into `max_bytes` with their markup; the page shows all of them."""
    fitting = []
    for part in parts:
        max_bytes -= len(part.encode()) + 40 * (1 + part.count("\n"))
        if max_bytes < 0:
            break
        fitting.append(part)
    return fitting
