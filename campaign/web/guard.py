"""Holding off floods at the form: what is counted, when the human check is asked for, and who is told.

Counting is done in the limits' storage (TOCSIN_LIMITS_URL), not in the database; whoever signs pays for one question.
What is decided never depends on whether an address has signed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Flask, current_app
from flask_babel import force_locale, gettext
from limits import RateLimitItem, parse

from campaign.domain.address import Address
from campaign.domain.challenge import Challenges, Solved
from campaign.domain.errors import ChallengeError
from campaign.extensions import limiter
from campaign.extensions.counters import count
from campaign.extensions.runtime import runtime
from campaign.queries.appeal import AppealView
from campaign.queries.flood import Lately, lately, sections_lately
from campaign.services.alarm import raise_alarm

log = logging.getLogger(__name__)

# More than this looks like a flood: from then on the human check is asked for. Real crowds pass it without noticing.
_SOFT = {
    "domain": (parse("300 per minute"), parse("5000 per hour")),
    "appeal": (parse("600 per minute"), parse("20000 per hour")),
    "all": (parse("1200 per minute"), parse("40000 per hour")),
}
# Half of all people have their mailbox with one of these.
_LARGE = {"gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "yahoo.com", "icloud.com", "gmx.de",
          "web.de", "orange.fr", "free.fr", "wanadoo.fr", "mail.ru", "yandex.ru"}  # fmt: skip
_LARGE_SOFT = (parse("3000 per minute"), parse("60000 per hour"))
# Beyond this even who solves puzzles is kept without a mail: somebody is after the mailboxes of one domain.
_HARD, _LARGE_HARD = parse("1200 per minute"), parse("12000 per minute")
# Who cannot run scripts waits instead; that costs no work, so it is rationed by network.
_WAITING = (parse("4 per minute"), parse("20 per hour"))
# So long after the last sign of it a flood is over.
_ATTACK_SECONDS = 600
# A kind of flood, its limits by the minute and by the hour, and what it is counted for.
Watched = tuple[str, tuple[RateLimitItem, RateLimitItem], str]
_UNCONFIRMED_SHARE, _UNCONFIRMED_LEAST = 0.75, 200
_SHARE_SECONDS, _SHARE_SIGN_UPS = 10.0, 20


@dataclass(frozen=True, slots=True)
class Pass:
    """The sign-up may go on: by which proof, and with which flag."""

    solved: Solved | None = None
    flag: str | None = None


@dataclass(frozen=True, slots=True)
class Demand:
    """What the form asks for before it is taken: a puzzle for the script, a ticket and seconds for who waits."""

    puzzle: dict[str, Any]
    ticket: str
    wait: int


class Guard:
    """One application's memory of floods; what must hold over processes is in the limits' storage."""

    def __init__(self) -> None:
        self._share = float("-inf"), Lately(0, 0)
        self._sign_ups = 0
        self._raised: set[tuple[str, int, datetime]] = set()

    def lately(self, now: datetime) -> Lately:
        """The share of unconfirmed, read at most every ten seconds, and not for a few sign-ups."""
        self._sign_ups += 1
        if self._sign_ups >= _SHARE_SIGN_UPS and time.monotonic() - self._share[0] > _SHARE_SECONDS:
            self._share, self._sign_ups = (time.monotonic(), lately(now)), 0
        return self._share[1]

    def is_news(self, kind: str, appeal_id: int, now: datetime) -> bool:
        """Whether this process has not yet raised that alarm within the hour."""
        alarm = kind, appeal_id, now.replace(minute=0, second=0, microsecond=0)
        if alarm in self._raised:
            return False
        self._raised = {one for one in self._raised if one[2] == alarm[2]} | {alarm}
        return True


def init_app(app: Flask) -> None:
    """Gives the application its guard."""
    app.extensions["tocsin_guard"] = Guard()


def admit(appeal: AppealView, address: Address, proof: str, ticket: str, network: str) -> Pass | Demand:
    """Lets a sign-up pass, or says what it needs first. Wrong or spent proofs are answered by a new demand."""
    at = runtime()
    mode, now = at.settings.challenge, at.clock()
    trouble = _trouble(appeal, address, now) if mode != "always" else None
    if mode == "off" or (mode == "adaptive" and trouble is None):
        return Pass()
    challenges = Challenges(at.settings.secret_key)
    try:
        if proof:
            return Pass(challenges.check(proof, appeal.slug, now), _flag(address))
        if ticket:
            solved = challenges.check_waiting(ticket, appeal.slug, now)
            if all(_hit(item, "waiting", network) for item in _WAITING):
                return Pass(solved, _flag(address))
    except ChallengeError as error:
        if error.wait:
            return Demand(challenges.make(appeal.slug, now), ticket, error.wait)
    return demand(appeal)


def demand(appeal: AppealView) -> Demand:
    """A new puzzle and a new ticket."""
    at = runtime()
    challenges, now = Challenges(at.settings.secret_key), at.clock()
    return Demand(challenges.make(appeal.slug, now), challenges.make_waiting(appeal.slug, now), 20)


def _trouble(appeal: AppealView, address: Address, now: datetime) -> str | None:
    """Counts the sign-up; what kind of flood goes on, if any, of which staff are told."""
    if not limiter.enabled:
        return None
    domain = runtime().vault.domain_digest(address).hex()[:32]
    watched = (
        ("domain", _LARGE_SOFT if address.domain in _LARGE else _SOFT["domain"], domain),
        ("appeal", _SOFT["appeal"], str(appeal.id)),
        ("all", _SOFT["all"], ""),
    )
    found = None
    for (kind, _, key), is_within, is_marked in zip(watched, *_count(watched), strict=True):
        if not is_within:
            _remember(kind, key)
            _alert(kind, appeal if kind == "appeal" else None, now)
            found = kind
        elif found is None and is_marked:
            found = kind
    return found or _unconfirmed(now)


def _unconfirmed(now: datetime) -> str | None:
    found = _guard().lately(now)
    if found.unconfirmed < _UNCONFIRMED_LEAST or found.share < _UNCONFIRMED_SHARE:
        return None
    _alert("unconfirmed", None, now)
    return "unconfirmed"


def _flag(address: Address) -> str | None:
    hard = _LARGE_HARD if address.domain in _LARGE else _HARD
    domain = runtime().vault.domain_digest(address).hex()[:32]
    return None if not limiter.enabled or _hit(hard, "hard", domain) else "domain"


def _hit(item: RateLimitItem, *key: str) -> bool:
    """Counts one; False beyond the limit. A storage that is away stops nobody."""
    try:
        return limiter.limiter.hit(item, "flood", *key)
    except Exception:  # whatever its client raises
        log.exception("the limits' storage is away")
        return True


def _count(watched: Sequence[Watched]) -> tuple[list[bool], list[bool]]:
    """Counts one for each in both its windows: which are within them, and which were beyond them lately."""
    counters = [(item, ("flood", kind, key)) for kind, items, key in watched for item in items]
    try:
        within, marked = count(limiter, counters, [_mark(kind, key) for kind, _, key in watched])
    except Exception:
        log.exception("the limits' storage is away")
        return [True] * len(watched), [False] * len(watched)
    return [all(both) for both in zip(within[::2], within[1::2], strict=True)], marked


def _remember(kind: str, key: str) -> None:
    try:
        limiter.storage.incr(_mark(kind, key), _ATTACK_SECONDS)
    except Exception:
        log.exception("the limits' storage is away")


def _mark(kind: str, key: str) -> str:
    return f"attack/{kind}/{key}"


def _alert(kind: str, appeal: AppealView | None, now: datetime) -> None:
    appeal_id = appeal.id if appeal is not None else 0
    if not _guard().is_news(kind, appeal_id, now):
        return
    at = runtime()

    def words(locale: str) -> dict[str, str]:
        with force_locale(locale):
            said = {
                "domain": gettext("Very many sign-ups with addresses of one mail domain"),
                "appeal": gettext("Very many sign-ups for one appeal"),
                "all": gettext("Very many sign-ups"),
                "unconfirmed": gettext("Most of those who sign do not confirm"),
            }[kind]
            advice = gettext(
                "Since a moment ago the form asks each browser for a proof of work. Nothing unconfirmed is counted. "
                "If these are real people, nothing need be done."
            )
            look = gettext("In “Moderation” you see those of your own section.")
            name = appeal.text_in(locale).headline if appeal is not None else ""
        url = f"{at.settings.base_url}/staff/moderation" + (f"?appeal={appeal.slug}" if appeal is not None else "")
        return {"subject": said, "text": f"{said}. {advice} {look}" + (f"\n\n{name}" if name else ""), "url": url}

    raise_alarm(
        kind,
        appeal_id,
        words,
        now=now,
        vault=at.vault,
        mail_domain=at.mail_domain,
        # Each editor moderates the own section, so each section that the flood may be in has to look.
        sections=sections_lately(appeal.id if appeal is not None else None, now),
    )


def _guard() -> Guard:
    guard: Guard = current_app.extensions["tocsin_guard"]
    return guard
