"""The evidence of an action: the way in which the organisation knows of it."""

from __future__ import annotations

from enum import StrEnum


class Evidence(StrEnum):
    """`verified`: a confirmed signature; `reported`: by the supporter; `bulk`: a quantity entered by staff."""

    VERIFIED = "verified"
    REPORTED = "reported"
    BULK = "bulk"
