"""Redaction of log records, so that no log identifies a person.

Every record of the process is redacted before any handler gets it: the program's own, the web server's access log,
warnings of libraries, tracebacks. Links lose their token; mail addresses and network addresses are removed.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import traceback
from typing import Any

# A mailed link such as /fr/s/<token>, and any value signed by itsdangerous, anywhere in the text.
_LINK_TOKEN = re.compile(r"(/(?:[smu]|invitation|reset|login)/)[^/\s?\"'#]+")
_SIGNED_VALUE = re.compile(r"[\w-]{4,}(?:\.[\w-]{4,}){0,2}\.[\w-]{27,}")
_MAIL_ADDRESS = re.compile(r"[^\s<>\"'(),:;\[\]{}=&?/@]+(?:@|%40)[^\s<>\"'(),:;\[\]{}=&?/@]+\.[\w-]+", re.IGNORECASE)
# The site never puts form input into a URL, but tools and old bookmarks do.
_QUERY_VALUE = re.compile(r"([?&](?!via=|lang=|locale=|page=)[\w.%-]+=)[^&\s\"']+")
_IPV4 = re.compile(r"(?<![\w.])(?!127\.|0\.0\.0\.0)(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d)")
_IPV6 = re.compile(r"(?<![\w:])[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(?![\w:])")


def redact(text: str) -> str:
    """Return the text without tokens, mail addresses, query values and network addresses; loopback addresses stay."""
    text = _LINK_TOKEN.sub(r"\1[token]", text)
    text = _SIGNED_VALUE.sub("[token]", text)
    text = _QUERY_VALUE.sub(r"\1[…]", text)
    text = _MAIL_ADDRESS.sub("[address]", text)
    text = _IPV4.sub("[network]", text)
    return _IPV6.sub(_redact_ipv6, text)


def _redact_ipv6(match: re.Match[str]) -> str:
    """Return the replacement of an IPv6 address; return any other text, such as a time of day, unchanged."""
    try:
        parsed = ipaddress.ip_address(match[0].rstrip("."))
    except ValueError:
        return match[0]
    return match[0] if parsed.is_loopback or parsed.is_unspecified else "[network]"


# Input must neither begin a new line in a log nor move a terminal's cursor (OWASP ASVS 5.0, V16.4.1).
_CONTROL_CHARACTERS = {code: f"\\x{code:02x}" for code in (*range(9), *range(10, 32), 127, *range(128, 160))}


class RedactedRecord(logging.LogRecord):
    """A record whose message is formatted and redacted when it is created, its traceback too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        try:
            message = self.getMessage()
        except (TypeError, ValueError, KeyError):  # logging itself would print the arguments as they are
            message = f"{self.msg} {self.args}"
        self.msg, self.args = redact(message).translate(_CONTROL_CHARACTERS), ()
        if self.exc_info and self.exc_info[0] is not None:
            # A formatter uses this text instead of formatting the traceback itself.
            self.exc_text = redact("".join(traceback.format_exception(*self.exc_info))).rstrip()
        if self.stack_info:
            self.stack_info = redact(self.stack_info)


def install() -> None:
    """Redact every log record that this process creates from now on."""
    logging.setLogRecordFactory(RedactedRecord)
