"""Any text in any field of any message arrives as one mail, with the application's headers and no others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy

import pytest
from flask import Flask
from flask_mail import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from campaign.domain.outbox.mail_kind import ADDRESSED_KINDS, UNSUBSCRIBABLE_KINDS, MailKind
from campaign.domain.outbox.mail_state import DeliveryOutcome
from campaign.mail.messages import messages as message
from campaign.mail.messages import samples as sample
from campaign.mail.messages.envelope import Envelope
from campaign.queries.appeals.appeal import PersonView
from tests.conftest import START
from tests.faults.smtp_script import Server
from tests.mail.conftest import connection_to
from tests.mail.hostile_text import EXPECTED_HEADERS, hostile_text

# Fields from a form, from staff or from a document.
FIELDS = ("name", "headline", "role", "target", "line", "paragraph", "person", "subject", "body", "context", "url")
SITE = "https://act.tocsin.example/en"
LINKS = message.MailLinks(f"{SITE}/appeals/x", f"{SITE}/s/x", f"{SITE}/m/x/act", f"{SITE}/m/x/me", f"{SITE}/u/x")
UNSUBSCRIBE = ["List-Unsubscribe", "List-Unsubscribe-Post"]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


def build_message(kind: MailKind, said: dict[str, str]) -> Message:
    """Return a message of that kind with these texts in every field that comes from outside."""
    envelope = Envelope("Tocsin <act@tocsin.example>", "jeanne@mail.example", "<1@tocsin.example>", START, "en")
    context = dict.fromkeys(("section", "role", "valid", "text"), said["context"])
    context |= {"subject": said["subject"], "url": said["url"]}
    if kind == MailKind.STAFF_DIGEST:
        lines = [said["context"], said["line"]]
        one = {"headline": said["headline"], "language": "ar", "url": said["url"], "lines": lines}
        context |= {"appeals": json.dumps([one]), "unsubscribe": f"{SITE}/staff/digest/x"}
    if kind in ADDRESSED_KINDS:
        return message.to_address(kind, envelope, context)
    shown = sample._appeal()
    target = replace(shown.targets["en"][0], name=said["target"], role=said["role"], address=(said["line"],))
    text = replace(
        shown.texts["en"],
        headline=said["headline"],
        people=(PersonView(said["person"], None),),
        paragraphs=(said["paragraph"],),
    )
    signed = message.SignedAppeal(replace(shown, texts={"en": text}, targets={"en": (target,)}), text, said["name"])
    words = message.AnnouncedText("en", said["subject"], said["body"])
    details = message.MessageDetails(announced=words, days_left=5, context={"words": said["body"]})
    return message.to_signer(kind, envelope, signed, LINKS, details)


# Databases refuse half of a surrogate pair.
stored_text = hostile_text.map(lambda text: text.encode("utf-8", "replace").decode())


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(kind=st.sampled_from(MailKind), said=st.fixed_dictionaries(dict.fromkeys(FIELDS, stored_text)))
def test_no_field_of_any_message_adds_a_header_a_recipient_or_a_mail(
    site: Flask, server: Server, kind: MailKind, said: dict[str, str]
) -> None:
    before, spoken = len(server.received), len(server.unencrypted_commands)
    with connection_to(f"smtp://127.0.0.1:{server.port}") as connection:
        connection.send(build_message(kind, said), "bounce+1.x@tocsin.example")
    assert connection.attempt.outcome is DeliveryOutcome.SENT
    assert [line.partition(" ")[0].upper() for line in server.unencrypted_commands[spoken:]][
        :4
    ] == "EHLO MAIL RCPT DATA".split()
    assert {line.upper() for line in server.unencrypted_commands[spoken + 4 :]} <= {"QUIT"}
    (received,) = server.received[before:]
    assert received.recipient == "jeanne@mail.example"
    assert max(len(line) for line in received.content.split(b"\r\n")) <= 998
    mail = message_from_bytes(received.content, policy=policy.default)
    extra = UNSUBSCRIBE if kind in UNSUBSCRIBABLE_KINDS else []
    assert sorted(mail.keys()) == sorted([*EXPECTED_HEADERS, *extra])
    assert (mail["From"], mail["To"]) == ("Tocsin <act@tocsin.example>", "jeanne@mail.example")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert not mail.defects
