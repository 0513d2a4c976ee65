"""How sure we are that an act took place."""

from __future__ import annotations

from enum import StrEnum


class Evidence(StrEnum):
    """`verified`: we saw it (a confirmed signature); `reported`: the supporter told us; `bulk`: staff entered it."""

    VERIFIED = "verified"
    REPORTED = "reported"
    BULK = "bulk"
