"""The abuse limits of sign-ups, reports and page views: when the human check is required, and when staff are alerted.

The counters are in the limits' storage (TOCSIN_LIMITS_URL), not in the database. Each check is one round trip to it.
No decision depends on whether an address has signed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flask import current_app
from limits import parse

from campaign.domain.abuse.challenge import WAIT, ChallengeDemand, Challenges, SolvedChallenge
from campaign.domain.errors import ChallengeError
from campaign.domain.signing.address import Address
from campaign.domain.signing.mail_domain import owner_domain, registrable_domain
from campaign.domain.signing.provider import LARGE_DOMAINS
from campaign.domain.staff.actor import SYSTEM
from campaign.platform import limiter
from campaign.platform.context import Context
from campaign.platform.network import Network
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.moderation.floods import (
    RecentSignUps,
    recent_sign_ups,
    sections_with_reports,
    sections_with_sign_ups,
)
from campaign.services.abuse.alert import alert_flood
from campaign.services.abuse.counters import WatchedLimit, hit, hit_watched, parse_limits, watched_networks

# Above these limits sign-ups look like a flood, and the human check is required. Browsers solve it unnoticed by the
# user.
_SOFT = {
    "domain": parse_limits("300 per minute", "5000 per hour"),
    "appeal": parse_limits("600 per minute", "20000 per hour"),
    "all": parse_limits("1200 per minute", "40000 per hour"),
}
# For the large providers, where half of all people have their mailbox.
_LARGE_SOFT = parse_limits("3000 per minute", "60000 per hour")
# Above these limits a sign-up gets no mail even with a solved puzzle: the attack is on the mailboxes of one domain.
_HARD, _LARGE_HARD = parse("1200 per minute"), parse("12000 per minute")
# A subscriber has a /64 of IPv6, or a /48 with 65,536 of them (RFC 6177). A provider has a /32. If only /64 were
# counted, an attacker could use each of them once. A small provider has a /16 of IPv4.
_NETWORKS = {
    "/48": parse_limits("60 per minute", "300 per hour"),
    "/32": parse_limits("300 per minute", "3000 per hour"),
    "/16": parse_limits("300 per minute", "3000 per hour"),
}
# Reports without a signature. The limit of a single network is UNSIGNED_LIMITS, which the page checks.
_REPORTS = parse_limits("60 per minute", "1000 per hour")
_REPORTS_BY_NETWORK = {
    "/48": parse_limits("40 per hour", "120 per day"),
    "/32": parse_limits("200 per hour", "1000 per day"),
    "/16": parse_limits("200 per hour", "1000 per day"),
}
# Above these limits no report is counted until the window ends, even with a solved puzzle.
_REPORTS_CAP = parse_limits("300 per minute", "5000 per hour")
# A signer's report counts once for each channel, target and day. Above these limits staff are alerted.
_SIGNED_REPORTS = parse_limits("300 per minute", "5000 per hour")
# Above these limits views are not counted. Only staff see their number.
_VIEWS = parse_limits("12000 per minute", "200000 per hour")
_VIEWS_BY_NETWORK = {
    "/48": parse_limits("240 per minute", "4000 per hour"),
    "/32": parse_limits("6000 per minute", "60000 per hour"),
    "/16": parse_limits("6000 per minute", "60000 per hour"),
}
# Confirming requires no proof. Above these limits staff are only alerted, because a school may be the cause.
_CONFIRMED_BY_NETWORK = {
    "/24": parse_limits("40 per minute", "200 per hour"),
    "/64": parse_limits("40 per minute", "200 per hour"),
    "/48": parse_limits("60 per minute", "300 per hour"),
    "/32": parse_limits("600 per minute", "6000 per hour"),
    "/16": parse_limits("600 per minute", "6000 per hour"),
}
# Browsers without scripts wait instead of solving a puzzle. Waiting costs nothing, so it is limited for each network.
_WAITING_BY_NETWORK = {
    "/24": parse_limits("4 per minute", "20 per hour"),
    "/64": parse_limits("4 per minute", "20 per hour"),
    "/48": parse_limits("8 per minute", "40 per hour"),
    "/32": parse_limits("40 per minute", "400 per hour"),
    "/16": parse_limits("40 per minute", "400 per hour"),
}
_UNCONFIRMED_SHARE, _UNCONFIRMED_MINIMUM = 0.75, 200
_SHARE_SECONDS, _SHARE_SIGN_UPS = 10.0, 20


# The key of the application's AbuseLimits in `app.extensions`.
EXTENSION = "tocsin_abuse_limits"


@dataclass(frozen=True, slots=True)
class AdmittedSignUp:
    """The admission of a sign-up or report: the proof that admitted it, and the flag that it gets."""

    solved: SolvedChallenge | None = None
    flag: str | None = None


class AbuseLimits:
    """The state of the abuse limits in one process. State that processes share is in the limits' storage."""

    def __init__(self) -> None:
        self._recent = float("-inf"), RecentSignUps(0, 0)
        self._sign_ups = 0
        self._raised_alerts: set[tuple[str, int, datetime]] = set()

    def recent_sign_ups(self, now: datetime) -> RecentSignUps:
        """Return the number of recent sign-ups and of the unconfirmed ones among them.

        Counts the call as a sign-up. The numbers are read from the database at most every ten seconds, and only after
        twenty sign-ups.
        """
        self._sign_ups += 1
        if self._sign_ups >= _SHARE_SIGN_UPS and time.monotonic() - self._recent[0] > _SHARE_SECONDS:
            self._recent, self._sign_ups = (time.monotonic(), recent_sign_ups(now)), 0
        return self._recent[1]

    def is_first_alert(self, kind: str, appeal_id: int, now: datetime) -> bool:
        """Return whether this process has not yet raised that alert within the hour."""
        alert = kind, appeal_id, now.replace(minute=0, second=0, microsecond=0)
        if alert in self._raised_alerts:
            return False
        self._raised_alerts = {raised for raised in self._raised_alerts if raised[2] == alert[2]} | {alert}
        return True


def admit(
    appeal: AppealView,
    address: Address,
    proof: str,
    ticket: str,
    networks: Sequence[Network],
    *,
    must_prove: bool = False,
    context: Context,
) -> AdmittedSignUp | ChallengeDemand:
    """Admit a sign-up, or return the human check that it requires. A wrong or spent proof gets a new check.

    `must_prove` requires the check always: nothing shows that the site's own form sent the sign-up, and only a response
    of the site can have provided the puzzle.
    """
    mode = "always" if must_prove else context.settings.challenge
    flood = _flood_kind(appeal, address, networks, context) if mode != "always" else None
    if mode == "off" or (mode == "adaptive" and flood is None):
        return AdmittedSignUp()
    result = _check_answer(appeal, proof, ticket, networks, context)
    return AdmittedSignUp(result.solved, _flag(address, context)) if isinstance(result, AdmittedSignUp) else result


def admit_report(
    appeal: AppealView, proof: str, ticket: str, networks: Sequence[Network], *, context: Context
) -> AdmittedSignUp | ChallengeDemand | None:
    """Count a report without a signature and admit it, or return the human check that it requires.

    Returns None if the appeal's cap of reports is reached.
    """
    mode = context.settings.challenge
    if not limiter.enabled:
        return AdmittedSignUp()
    key = str(appeal.id)
    exceeded, recent = hit_watched(
        [
            WatchedLimit("reports", _REPORTS, key),
            *watched_networks("report-network", _REPORTS_BY_NETWORK, networks),
        ]
    )
    if exceeded:
        _alert("reports", appeal, context)
    is_quiet = mode == "off" or (mode == "adaptive" and not exceeded and not recent)
    result = AdmittedSignUp() if is_quiet else _check_answer(appeal, proof, ticket, networks, context)
    # Only admitted reports count towards the cap, so that requests without a proof cannot use it up.
    if isinstance(result, AdmittedSignUp) and hit_watched([WatchedLimit("reports-cap", _REPORTS_CAP, key)])[0]:
        _alert("reports", appeal, context)
        return None
    return result


def watch_signed_report(appeal: AppealView, *, context: Context) -> None:
    """Count a signer's report. Alert staff if there are very many."""
    if limiter.enabled and hit_watched([WatchedLimit("signed-reports", _SIGNED_REPORTS, str(appeal.id))])[0]:
        _alert("signed-reports", appeal, context)


def watch_confirmed(networks: Sequence[Network], *, context: Context) -> None:
    """Count a confirmation. Alert staff if very many come from one network or from neighbouring networks."""
    if limiter.enabled and hit_watched(watched_networks("confirmed-network", _CONFIRMED_BY_NETWORK, networks))[0]:
        _alert("confirmed-network", None, context)


def admit_view(appeal: AppealView, networks: Sequence[Network], *, context: Context) -> bool:
    """Return whether a page view may be counted. Alert staff if there are too many."""
    if not limiter.enabled:
        return True
    by_network = watched_networks("view-network", _VIEWS_BY_NETWORK, networks)
    exceeded, _ = hit_watched([WatchedLimit("views", _VIEWS, str(appeal.id)), *by_network])
    if exceeded:
        _alert("views", appeal, context)
    return not exceeded


def new_demand(appeal: AppealView, networks: Sequence[Network], *, context: Context) -> ChallengeDemand:
    """Return a demand with a new puzzle and a new ticket, with the seconds to wait."""
    challenges, now = Challenges(context.settings.secret_key), context.now
    ticket = challenges.make_ticket(appeal.slug, networks[0].digest, now)
    return ChallengeDemand(challenges.make_puzzle(appeal.slug, now), ticket, int(WAIT.total_seconds()))


def _check_answer(
    appeal: AppealView, proof: str, ticket: str, networks: Sequence[Network], context: Context
) -> AdmittedSignUp | ChallengeDemand:
    """Admit the request if it has a valid proof or ticket; otherwise return the human check to demand."""
    challenges, now = Challenges(context.settings.secret_key), context.now
    try:
        if proof:
            return AdmittedSignUp(challenges.check_proof(proof, appeal.slug, now))
        if ticket:
            solved = challenges.check_ticket(ticket, appeal.slug, networks[0].digest, now)
            if not hit_watched(watched_networks("waiting", _WAITING_BY_NETWORK, networks))[0]:
                return AdmittedSignUp(solved)
    except ChallengeError as error:
        if error.wait:
            return ChallengeDemand(challenges.make_puzzle(appeal.slug, now), ticket, error.wait)
    return new_demand(appeal, networks, context=context)


def _flood_kind(appeal: AppealView, address: Address, networks: Sequence[Network], context: Context) -> str | None:
    """Count the sign-up, alert staff to a flood, and return the kind of the flood; None without a flood."""
    if not limiter.enabled:
        return None
    exceeded, recent = hit_watched(
        [
            WatchedLimit(
                "domain",
                _LARGE_SOFT if address.domain in LARGE_DOMAINS else _SOFT["domain"],
                _registrable_key(address, context),
            ),
            WatchedLimit("appeal", _SOFT["appeal"], str(appeal.id)),
            WatchedLimit("all", _SOFT["all"], ""),
            *watched_networks("network", _NETWORKS, networks),
        ]
    )
    for kind in exceeded:
        _alert(kind, appeal if kind == "appeal" else None, context)
    return next(iter((*exceeded, *recent)), None) or _unconfirmed_kind(context)


def _unconfirmed_kind(context: Context) -> str | None:
    """Return `unconfirmed`, and alert staff, where very many recent sign-ups are unconfirmed; else None."""
    sign_ups = _state_of_process().recent_sign_ups(context.now)
    if sign_ups.unconfirmed < _UNCONFIRMED_MINIMUM or sign_ups.share < _UNCONFIRMED_SHARE:
        return None
    _alert("unconfirmed", None, context)
    return "unconfirmed"


def _flag(address: Address, context: Context) -> str | None:
    hard = _LARGE_HARD if address.domain in LARGE_DOMAINS else _HARD
    return None if not limiter.enabled or hit(hard, "hard", _owner_key(address, context)) else "domain"


def _registrable_key(address: Address, context: Context) -> str:
    """Return the key under which the domain is counted for requiring a puzzle.

    All names below a free host are counted together, because a further name costs nothing.
    """
    return _key(registrable_domain(address.domain), context)


def _owner_key(address: Address, context: Context) -> str:
    """Return the key under which the domain is counted for withholding mail.

    Each owner of a domain is counted alone, so that no neighbour below a free host is affected.
    """
    return _key(owner_domain(address.domain), context)


def _key(domain: str, context: Context) -> str:
    return context.vault.domain_digest(Address("", domain)).hex()[:32]


def _alert(kind: str, appeal: AppealView | None, context: Context) -> None:
    """Alert staff to a flood, unless this process has done so within the hour."""
    appeal_id, now = appeal.id if appeal is not None else None, context.now
    if not _state_of_process().is_first_alert(kind, appeal_id or 0, now):
        return
    if appeal_id is not None and kind in {"reports", "signed-reports"}:
        sections = sections_with_reports(appeal_id, now)
    else:
        sections = sections_with_sign_ups(appeal_id, now)
    alert_flood(kind, appeal, sections, context=replace(context, actor=SYSTEM))


def _state_of_process() -> AbuseLimits:
    limits_of_app: AbuseLimits = current_app.extensions[EXTENSION]
    return limits_of_app
