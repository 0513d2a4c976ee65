"""Redaction: no log contains a token, a mail address or the origin of a visitor."""

from __future__ import annotations

import io
import logging
from datetime import UTC, datetime

import pytest
from flask import Flask

from campaign.domain.signing.token import Purpose, Tokens
from campaign.platform.redaction import redact

TOKEN = Tokens(("k" * 40,)).make(Purpose.MANAGE, 12345, datetime(2026, 3, 1, tzinfo=UTC), b"")


@pytest.mark.parametrize(
    "text",
    [
        f"GET /fr/s/{TOKEN} HTTP/1.1",
        f'"GET /fr/m/{TOKEN}/act?via=x HTTP/1.1" 200 "https://act.example.org/fr/m/{TOKEN}/me"',
        f"a token by itself: {TOKEN}.",
        f"cut short: /de/u/{TOKEN[:9]}",
        "to Jeanne.Martin+x@mail.example: 550",
        "GET /fr/?email=Jeanne.Martin%40mail.example&via=x",
        "GET /fr/?name=Jeanne+Martin",
        "from 203.0.113.77 - [24/Nov/2026:03:40:32 +0000]",
        "from 2001:db8:77::9, 203.0.113.77:8080.",
    ],
)
def test_personal_data_is_redacted(text: str) -> None:
    said = redact(text)
    for secret in (TOKEN, TOKEN[:9], TOKEN[-12:], "Jeanne", "mail.example", "203.0.113", "2001:db8"):
        assert secret not in said


@pytest.mark.parametrize(
    "text",
    [
        "[24/Nov/2026:03:40:32 +0000] GET /fr/appeals/ana-ruiz-vega?via=stall HTTP/1.1 200 12345",
        "Listening at: http://127.0.0.1:8000 (7)",
        "the database is away: OperationalError",
        "mail: 3 sent, 1 retry",
        "campaign/services/signing/store_sign_up.py:12: in sign",
    ],
)
def test_data_that_operators_need_stays(text: str) -> None:
    assert redact(text) == text


def test_records_of_any_logger_are_redacted_with_their_tracebacks(app: Flask) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logger = logging.getLogger("somebody.else")
    logger.addHandler(handler)
    try:
        try:
            _ = {"": ""}[f"no such thing as jeanne@mail.example or {TOKEN}"]
        except KeyError:
            logger.exception("Error handling request %s", f"/fr/s/{TOKEN}")
        logger.warning("%d", "jeanne@mail.example")
    finally:
        logger.removeHandler(handler)
    said = stream.getvalue()
    assert "KeyError: 'no such thing as [address] or [token]'" in said
    assert "Error handling request /fr/s/[token]" in said
    assert "jeanne" not in said


def test_typed_text_starts_no_new_log_line(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("any").warning("asked for %s", "/x\nERROR forged\r\x1b[2J")
    assert caplog.messages == ["asked for /x\\x0aERROR forged\\x0d\\x1b[2J"]
