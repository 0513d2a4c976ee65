"""Nothing that identifies a person reaches a log: whoever writes it, and wherever it goes.

Every record of the process passes here before any handler sees it: ours, the web server's access log, libraries'
warnings, tracebacks. Links are kept without their token, addresses of mailboxes and networks not at all.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import traceback
from typing import Any

# A mailed link: /fr/s/<token>, and whatever itsdangerous has signed, wherever it stands.
_LINK = re.compile(r"(/(?:[smu]|invitation|reset|login)/)[^/\s?\"'#]+")
_SIGNED = re.compile(r"[\w-]{4,}(?:\.[\w-]{4,}){0,2}\.[\w-]{27,}")
_ADDRESS = re.compile(r"[^\s<>\"'(),:;\[\]{}=&?/@]+(?:@|%40)[^\s<>\"'(),:;\[\]{}=&?/@]+\.[\w-]+", re.IGNORECASE)
# What somebody typed must never stand in an address line, yet tools and old bookmarks put it there.
_QUERY = re.compile(r"([?&](?!via=|lang=|locale=|page=)[\w.%-]+=)[^&\s\"']+")
_IPV4 = re.compile(r"(?<![\w.])(?!127\.|0\.0\.0\.0)(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d)")
_IPV6 = re.compile(r"(?<![\w:])[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(?![\w:])")


def redact(text: str) -> str:
    """The text without tokens, mail addresses, typed values in a query, and network addresses of others."""
    text = _LINK.sub(r"\1[token]", text)
    text = _SIGNED.sub("[token]", text)
    text = _QUERY.sub(r"\1[…]", text)
    text = _ADDRESS.sub("[address]", text)
    text = _IPV4.sub("[network]", text)
    return _IPV6.sub(_network, text)


def _network(found: re.Match[str]) -> str:
    """A time of day looks much like an address."""
    try:
        parsed = ipaddress.ip_address(found[0].rstrip("."))
    except ValueError:
        return found[0]
    return found[0] if parsed.is_loopback or parsed.is_unspecified else "[network]"


# What somebody typed begins no line of its own in a log, and moves no terminal's cursor (OWASP ASVS 5.0, V16.4.1).
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(9), *range(10, 32), 127, *range(128, 160))}


class RedactedRecord(logging.LogRecord):
    """A record whose words are final and redacted from the start, its traceback too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        try:
            said = self.getMessage()
        except (TypeError, ValueError, KeyError):  # logging itself would print the arguments as they are
            said = f"{self.msg} {self.args}"
        self.msg, self.args = redact(said).translate(_CONTROLS), ()
        if self.exc_info and self.exc_info[0] is not None:
            # A formatter takes this instead of making its own.
            self.exc_text = redact("".join(traceback.format_exception(*self.exc_info))).rstrip()
        if self.stack_info:
            self.stack_info = redact(self.stack_info)


def install() -> None:
    """From now on every log record of this process is redacted."""
    logging.setLogRecordFactory(RedactedRecord)
