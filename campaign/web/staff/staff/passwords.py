"""The rule for passwords: long enough, and not among those that are guessed first (OWASP ASVS 5.0, V6.2).

There is no rule on kinds of characters, and no third party is asked. Words of this site count as known to attackers.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask_babel import gettext
from flask_security.password_util import PasswordUtil
from zxcvbn import zxcvbn

from campaign.platform.runtime import runtime

# zxcvbn's scale of 0 to 4: 3 stands for a hundred million guesses or more.
MIN_SCORE = 3
# zxcvbn's time grows with the length; what is this long is not guessed by lists.
_MAX_CHECKED = 72


class Passwords(PasswordUtil):
    """Flask-Security's checks, then a guess at how soon it is guessed."""

    def validate(self, password: str, is_register: bool, **kwargs: Any) -> tuple[list[str] | None, str]:
        """Return the faults in the reader's language, or None; and the password as it is hashed."""
        faults, normal = super().validate(password, is_register, **kwargs)
        if not faults and is_guessed_soon(normal, _site_words(kwargs.get("user"))):
            faults = [gettext("This password is among the first that somebody would try. Put other words together.")]
        return faults, normal


def is_guessed_soon(password: str, known: list[str]) -> bool:
    """Return whether lists of common passwords, names, dates, keyboard runs and the known words lead to it quickly."""
    return int(zxcvbn(password[:_MAX_CHECKED], user_inputs=known)["score"]) < MIN_SCORE


def _site_words(user: Any) -> list[str]:
    """Return names that belong to this site and this account (V6.1.2)."""
    settings = runtime().settings
    hosts = (urlsplit(settings.base_url).hostname or "").split(".")
    address = getattr(user, "email", None) or ""
    return ["tocsin", settings.theme.name, *hosts, address, *address.replace("@", ".").split(".")]
