"""A message that is rendered once and filled in for a signer equals the one rendered for that signer."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest
from flask import Flask
from flask_mail import Message

from campaign.config import LOCALES
from campaign.domain.outbox.mail_kind import MailKind
from campaign.letter.plain_text import signer_name
from campaign.mail.messages import messages as message
from campaign.mail.messages import samples as sample
from campaign.mail.messages.envelope import Envelope
from campaign.mail.messages.mail_merge import PLACEHOLDERS, MailMerge
from tests.conftest import START

BASE = "https://tocsin.example"
LINKS = {
    "confirm": f"{BASE}/en/s/x.y-z",
    "act": f"{BASE}/en/m/x.y-z/act",
    "me": f"{BASE}/en/m/x.y-z/me",
    "unsubscribe": f"{BASE}/en/u/x.y-z",
}
NAMES = ("Jeanne Martin", 'Seán O\'Brien & <b>"Söhne"</b>', "ليلى المصري", PLACEHOLDERS["confirm"])
MESSAGES = (
    MailKind.CONFIRMATION,
    MailKind.CONFIRMATION_REMINDER,
    MailKind.ALREADY_SIGNED,
    MailKind.CONFIRMED,
    MailKind.NEW_LINK,
    MailKind.DEADLINE_REMINDER,
    MailKind.UPDATE,
    MailKind.OUTCOME,
)
DETAILS = message.MessageDetails(announced=message.AnnouncedText("en", "News", "*Free*"), days_left=3)


def envelope(recipient: str, locale: str) -> Envelope:
    return Envelope("Tocsin <act@tocsin.example>", recipient, f"<{recipient}>", START, locale)


def comparable_fields(made: Message) -> tuple[object, ...]:
    """Return all fields, with one spelling for quotes in HTML."""
    marked_up = html.unescape(made.html or "")
    return made.subject, made.sender, made.recipients, made.date, made.msgId, made.body, marked_up, made.extra_headers


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("only_initials", [False, True])
def test_a_filled_in_message_equals_the_rendered_one(site: Flask, locale: str, only_initials: bool) -> None:
    appeal = replace(sample._appeal(), initials_only=only_initials)
    text = sample._text(locale)
    for kind in MESSAGES:
        marked = message.SignedAppeal(appeal, text, PLACEHOLDERS["name"], PLACEHOLDERS["letter_name"])
        marks = message.MailLinks(f"{BASE}/en/appeals/x", **{name: PLACEHOLDERS[name] for name in LINKS})
        stencil = MailMerge(message.to_signer(kind, envelope("first@mail.example", locale), marked, marks, DETAILS))
        for number, name in enumerate(NAMES):
            mine = envelope(f"{number}@mail.example", locale)
            letter_name = signer_name(appeal, name) or ""
            filled = stencil.fill(mine, {"name": name, "letter_name": letter_name, **LINKS})
            signed = message.SignedAppeal(appeal, text, name)
            links = message.MailLinks(f"{BASE}/en/appeals/x", **LINKS)
            assert comparable_fields(filled) == comparable_fields(message.to_signer(kind, mine, signed, links, DETAILS))


def test_names_are_escaped_only_in_html(site: Flask) -> None:
    signed = message.SignedAppeal(
        sample._appeal(), sample._text("en"), PLACEHOLDERS["name"], PLACEHOLDERS["letter_name"]
    )
    marks = message.MailLinks(BASE, **{name: PLACEHOLDERS[name] for name in LINKS})
    stencil = MailMerge(message.to_signer(MailKind.CONFIRMED, envelope("a@mail.example", "en"), signed, marks))
    made = stencil.fill(envelope("b@mail.example", "en"), {"name": "<script>x</script>", **LINKS})
    assert "<script" not in (made.html or "")
    assert "<script>x</script>," in (made.body or "")


def test_no_placeholder_remains_and_only_needed_links_are_made(site: Flask) -> None:
    signed = message.SignedAppeal(
        sample._appeal(), sample._text("en"), PLACEHOLDERS["name"], PLACEHOLDERS["letter_name"]
    )
    marks = message.MailLinks(BASE, **{name: PLACEHOLDERS[name] for name in LINKS})
    stencil = MailMerge(message.to_signer(MailKind.CONFIRMATION, envelope("a@mail.example", "en"), signed, marks))
    assert stencil.placeholder_names == {"confirm"}
    made = stencil.fill(envelope("b@mail.example", "en"), {"name": "A", "letter_name": "B", "confirm": "C", "me": "D"})
    assert not re.search("|".join(PLACEHOLDERS.values()), f"{made.body}{made.html}")
    with pytest.raises(KeyError):
        stencil.fill(envelope("b@mail.example", "en"), {"name": "A", "letter_name": "B"})
