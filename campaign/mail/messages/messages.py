"""The messages, one function each: what is written in them, as text and HTML, in the reader's language."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from babel import Locale
from flask_babel import force_locale, gettext, ngettext
from flask_mail import Message

from campaign.document.text.message_markup import message_html, message_text
from campaign.domain.appeals.appeal import TargetKind
from campaign.letter.plain_text import address_lines, letter_text, signer_name
from campaign.mail.messages.envelope import Envelope, write
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView, TargetView, TextView

# What the letter may take of a message: with both parts, encoding and markup it stays under 60 KB. A page of print has
# about 3,000 bytes; beyond the limit the mail leads to the page.
_LETTER_BYTES = 12_000
_LIST_BYTES = 4_000


@dataclass(frozen=True, slots=True)
class SignedAppeal:
    """Who signed what: the appeal, its text in the version that was signed, and the signer's name.

    `letter_name` is the name under the letter, where it is not to be made of the name.
    """

    appeal: AppealView
    text: TextView
    name: str
    letter_name: str | None = None


@dataclass(frozen=True, slots=True)
class MailLinks:
    """The addresses a message may hold, each for this signer alone except that of the appeal."""

    appeal: str
    confirm: str
    act: str
    me: str
    unsubscribe: str | None


@dataclass(frozen=True, slots=True)
class AnnouncedText:
    """What staff wrote in one language; the body is Markdown."""

    language: str
    subject: str
    body: str
    # The letter that was signed has been reworded: the mail says so, and how to take the signature back.
    is_rewording: bool = False


def confirmation(
    envelope: Envelope, signed: SignedAppeal, links: MailLinks, others: Sequence[TextView] = ()
) -> Message:
    """Return the letter with the one link that confirms it; `others` are the appeals that the same link confirms.

    The reader may not be the person who typed the address: nothing that was typed is in it, and it confirms only.
    """
    with force_locale(envelope.locale):
        subject = gettext("Please confirm your signature: %(headline)s", headline=signed.text.headline)
        unnamed = replace(signed, letter_name=gettext("your name"))
        values = {**_about(signed, links), **_letter(unnamed), "others": others}
        return write(envelope, subject, "confirmation", values)


def confirmation_reminder(
    envelope: Envelope, signed: SignedAppeal, links: MailLinks, _: Sequence[TextView] = ()
) -> Message:
    """Return the link to confirm once more, without the letter, where the first mail was overlooked."""
    with force_locale(envelope.locale):
        subject = gettext("Your signature is still missing: %(headline)s", headline=signed.text.headline)
        return write(envelope, subject, "confirmation_reminder", _about(signed, links))


def already_signed(envelope: Envelope, signed: SignedAppeal, links: MailLinks, _: Sequence[TextView] = ()) -> Message:
    """Return what an address that has signed before is told, with the link to its page, where it may ask to hear more.

    With a link to confirm, where another person signed from the same mailbox.
    """
    with force_locale(envelope.locale):
        subject = gettext("You have already signed: %(headline)s", headline=signed.text.headline)
        return write(envelope, subject, "already_signed", {**_about(signed, links), "is_other": bool(links.confirm)})


def confirmed(envelope: Envelope, signed: SignedAppeal, links: MailLinks) -> Message:
    """Thanks, how the letter goes by other ways, the link to pass on, and the link to one's data."""
    with force_locale(envelope.locale):
        subject = gettext("Thank you for signing: %(headline)s", headline=signed.text.headline)
        values = {**_about(signed, links), "ways": _ways(signed)}
        return write(envelope, subject, "confirmed", values)


def new_link(envelope: Envelope, signed: SignedAppeal, links: MailLinks) -> Message:
    """For who asked for it: the link to everything held under this address."""
    with force_locale(envelope.locale):
        return write(envelope, gettext("Your link, as you asked for"), "new_link", _about(signed, links))


def own_letter(envelope: Envelope, signed: SignedAppeal, links: MailLinks, words: str) -> Message:
    """The letter that the signer wrote in their own words and asked to be sent, which is kept nowhere else."""
    with force_locale(envelope.locale):
        subject = gettext("Your letter: %(headline)s", headline=signed.text.headline)
        values = {**_about(signed, links), "words": words, "ways": _ways(signed)}
        return write(envelope, subject, "own_letter", values)


def deadline_reminder(envelope: Envelope, signed: SignedAppeal, links: MailLinks, *, days_left: int) -> Message:
    """The appeal ends soon: what can still be done."""
    with force_locale(envelope.locale):
        subject = ngettext(
            "%(num)d day left: %(headline)s",
            "%(num)d days left: %(headline)s",
            days_left,
            headline=signed.text.headline,
        )
        values = {**_about(signed, links), "days_left": days_left}
        return write(envelope, subject, "deadline_reminder", values, unsubscribe_url=links.unsubscribe)


def update(envelope: Envelope, signed: SignedAppeal, links: MailLinks, announced: AnnouncedText) -> Message:
    """News of the case in the words of the staff."""
    return _announcement(envelope, signed, links, announced, "update")


def outcome(envelope: Envelope, signed: SignedAppeal, links: MailLinks, announced: AnnouncedText) -> Message:
    """How the case ended in the words of the staff."""
    return _announcement(envelope, signed, links, announced, "outcome")


def _site() -> str:
    """What the organisation calls this place."""
    return runtime().settings.theme.name


def address(envelope: Envelope, context: Mapping[str, str]) -> Message:
    """About another address for what was signed. `context`: subject, text, url (may be empty)."""
    with force_locale(envelope.locale):
        return write(envelope, context["subject"], "address", context)


def staff_invitation(envelope: Envelope, context: Mapping[str, str]) -> Message:
    """An account waits. `context`: url, section, role, valid (how long, in the reader's language)."""
    with force_locale(envelope.locale):
        return write(envelope, gettext("You are invited to %(site)s", site=_site()), "staff_invitation", context)


def staff_alert(envelope: Envelope, context: Mapping[str, str]) -> Message:
    """Something needs a person. `context`: subject, text, url (may be empty)."""
    with force_locale(envelope.locale):
        subject = gettext("%(site)s needs you: %(what)s", site=_site(), what=context["subject"])
        return write(envelope, subject, "staff_alert", context)


def staff_security(envelope: Envelope, context: Mapping[str, str]) -> Message:
    """About one's own account. `context`: subject, text, url (may be empty)."""
    with force_locale(envelope.locale):
        return write(envelope, context["subject"], "staff_security", context)


def staff_digest(envelope: Envelope, context: Mapping[str, str]) -> Message:
    """Write the week in figures. `context`: url, unsubscribe, and appeals: a JSON list.

    `services/announcements/weekly_digest.py` says what is in each.
    """
    appeals = [one | {"direction": Locale(one["language"]).text_direction} for one in json.loads(context["appeals"])]
    with force_locale(envelope.locale):
        values = {"appeals": appeals, "url": context["url"]}
        subject = gettext("Your appeals this week")
        return write(envelope, subject, "staff_digest", values, unsubscribe_url=context["unsubscribe"])


def _announcement(
    envelope: Envelope, signed: SignedAppeal, links: MailLinks, announced: AnnouncedText, template: str
) -> Message:
    values = {
        **_about(signed, links),
        "announced": announced,
        "announced_direction": Locale(announced.language).text_direction,
        "body_html": message_html(announced.body),
        "body_plain": message_text(announced.body),
    }
    with force_locale(envelope.locale):
        return write(envelope, announced.subject, template, values, unsubscribe_url=links.unsubscribe)


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
    kept = _fitting(paragraphs, _LETTER_BYTES)
    return {
        "targets": [target.split("\n") for target in _fitting(targets, _LIST_BYTES)],
        "letter": kept if signed.text.has_letter else [],
        "points": _fitting(points, _LETTER_BYTES),
        "is_cut": len(kept) < len(paragraphs) or len(_fitting(points, _LETTER_BYTES)) < len(points),
    }


def _ways(signed: SignedAppeal) -> list[tuple[str, list[tuple[str, list[str]]]]]:
    """How the letter reaches its targets, as (who, [(by what, the lines)]); call it under the reader's locale."""
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
    """The first parts that fit; the rest is on the page."""
    kept = []
    for part in parts:
        room -= len(part.encode()) + 40 * (1 + part.count("\n"))
        if room < 0:
            break
        kept.append(part)
    return kept
