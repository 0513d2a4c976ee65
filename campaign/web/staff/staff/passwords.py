"""The rule for passwords: long enough, and hard to guess (OWASP ASVS 5.0, V6.2).

There is no rule on kinds of characters, and no third party is asked. Attackers are assumed to know the site's words.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask_babel import gettext
from flask_security.password_util import PasswordUtil
from zxcvbn import zxcvbn

from campaign.platform.runtime import runtime

# On zxcvbn's scale of 0 to 4, 3 means a hundred million guesses or more.
MIN_SCORE = 3
# Only the beginning of a password is checked, because zxcvbn's time grows with the length.
_MAX_CHECKED = 72


class Passwords(PasswordUtil):
    """Flask-Security's checks of a password, and an estimate of how soon it would be guessed."""

    def validate(self, password: str, is_register: bool, **kwargs: Any) -> tuple[list[str] | None, str]:
        """Return the errors in the reader's language, or None, and the normalised password, which is hashed."""
        faults, normalised = super().validate(password, is_register, **kwargs)
        if not faults and is_guessed_soon(normalised, _site_words(kwargs.get("user"))):
            faults = [gettext("This password is among the first that somebody would try. Put other words together.")]
        return faults, normalised


def is_guessed_soon(password: str, site_words: list[str]) -> bool:
    """Return whether the password is soon guessed from common passwords, names, dates, keyboard runs and site words."""
    return int(zxcvbn(password[:_MAX_CHECKED], user_inputs=site_words)["score"]) < MIN_SCORE


def _site_words(user: Any) -> list[str]:
    """Return the words of this site and of the user's mail address (V6.1.2)."""
    settings = runtime().settings
    hosts = (urlsplit(settings.base_url).hostname or "").split(".")
    address = getattr(user, "email", None) or ""
    return ["tocsin", settings.theme.name, *hosts, address, *address.replace("@", ".").split(".")]
