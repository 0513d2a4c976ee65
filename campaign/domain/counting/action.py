"""The acts that are counted, and how sure we are of each."""

from __future__ import annotations

from enum import StrEnum


class Channel(StrEnum):
    """By which way a supporter acted."""

    SIGNATURE = "signature"
    PAPER = "paper"
    EMAIL = "email"
    LETTER = "letter"
    FAX = "fax"
    PHONE = "phone"
    SOCIAL = "social"
    EMBASSY = "embassy"
    EVENT = "event"


class Evidence(StrEnum):
    """`verified`: we saw it (a confirmed signature); `reported`: the supporter told us; `bulk`: staff entered it."""

    VERIFIED = "verified"
    REPORTED = "reported"
    BULK = "bulk"


# What staff may enter: everything but signatures, which are only ever counted by confirming. Those on paper are PAPER.
ENTERABLE = tuple(channel for channel in Channel if channel is not Channel.SIGNATURE)
# What a supporter may tell us to have done.
REPORTABLE = (
    Channel.EMAIL,
    Channel.LETTER,
    Channel.FAX,
    Channel.PHONE,
    Channel.SOCIAL,
    Channel.EMBASSY,
)
