"""No field of a message can add or change a header: the recipient parses exactly the intended headers."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parseaddr

import pytest
from flask_mail import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from campaign.mail.smtp.mime import write
from tests.mail.hostile_text import EXPECTED_HEADERS, hostile_text


def build(subject: str, body: str, html: str, **changes: object) -> Message:
    message = Message(
        subject=subject,
        sender=str(changes.get("sender", "Tocsin <act@tocsin.example>")),
        recipients=[str(changes.get("recipient", "jeanne@mail.example"))],
        body=body,
        html=html,
        date=1_770_000_000.0,
        extra_headers={"Auto-Submitted": "auto-generated"},
    )
    message.msgId = "<1234@tocsin.example>"
    return message


def read(content: bytes) -> EmailMessage:
    found = message_from_bytes(content, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(subject=hostile_text, body=hostile_text, html=hostile_text, name=hostile_text)
def test_no_text_in_any_field_adds_or_changes_a_header(subject: str, body: str, html: str, name: str) -> None:
    sender = f"{name} <act@tocsin.example>"
    content = write(build(subject, "text " + body, "<p>" + html, sender=sender))
    assert content.count(b"\r\n") == content.count(b"\n") == content.count(b"\r")
    assert max(len(line) for line in content.split(b"\r\n")) <= 998
    assert b"\0" not in content
    message = read(content)
    assert list(message.keys()) == EXPECTED_HEADERS
    assert message["To"] == "jeanne@mail.example"
    assert message["Message-ID"] == "<1234@tocsin.example>"
    assert parseaddr(str(message["From"]))[1].endswith("act@tocsin.example")
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert not message.defects


@settings(deadline=None)
@given(body=st.text(min_size=1, max_size=3000))
@pytest.mark.slow
def test_the_text_arrives_unchanged(body: str) -> None:
    body = "".join(one for one in body if one.isprintable() or one == "\n") or "x"
    message = read(write(build("s", body, "<p>x</p>")))
    part = message.get_body(("plain",))
    assert part is not None
    assert part.get_content().replace("\r\n", "\n").removesuffix("\n") == body.removesuffix("\n")


@pytest.mark.parametrize("subject", ["Ασφάλεια για όλους " * 8, "حرية " * 30, "Plain", "a=?b", "é" * 200])
def test_subjects_survive_encoding(subject: str) -> None:
    assert str(read(write(build(subject, "b", "h")))["Subject"]) == " ".join(subject.split())


@pytest.mark.parametrize("recipient", ["a@b.example\r\nBcc: c@d.example", "<a@b.example>", "a@b.example\0", "nobody"])
def test_an_invalid_address_is_refused(recipient: str) -> None:
    with pytest.raises(ValueError, match="address"):
        write(build("s", "b", "h", recipient=recipient))


def test_equal_messages_have_equal_bytes() -> None:
    assert write(build("s", "b", "h")) == write(build("s", "b", "h"))
