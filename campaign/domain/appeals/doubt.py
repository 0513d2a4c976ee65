"""Keys of doubts and fingerprints of values: they name exactly the thing that a person saw and confirmed."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

_LENGTH = 16  # hexadecimal digits


def doubt_key(code: str, message: str, line: int, text: str) -> str:
    """Return a key that changes if the doubt, its line's number or the line's text does."""
    return fingerprint([code, message, line, text.strip()])


def fingerprint(values: Any) -> str:
    """Return a short text that is equal for equal values and differs for others."""
    content = json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:_LENGTH]
