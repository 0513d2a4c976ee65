"""The abuse limits: counts of sign-ups, reports and page views, when the human check is due, and alerts to staff.

Counters are in the limits' storage (TOCSIN_LIMITS_URL), not in the database; each check is one round trip to it.
No decision depends on whether an address has signed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flask import current_app
from limits import parse

from campaign.domain.abuse.challenge import ChallengeDemand, Challenges, SolvedChallenge
from campaign.domain.errors import ChallengeError
from campaign.domain.signing.address import Address
from campaign.domain.signing.mail_domain import owner_domain, registrable_domain
from campaign.domain.signing.provider import LARGE
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

# More than this looks like a flood, and the human check is required. Browsers solve it without the user noticing.
_SOFT = {
    "domain": parse_limits("300 per minute", "5000 per hour"),
    "appeal": parse_limits("600 per minute", "20000 per hour"),
    "all": parse_limits("1200 per minute", "40000 per hour"),
}
# For the large providers, where half of all people have their mailbox.
_LARGE_SOFT = parse_limits("3000 per minute", "60000 per hour")
# Beyond this a sign-up gets no mail even after a solved puzzle: the attack is on the mailboxes of one domain.
_HARD, _LARGE_HARD = parse("1200 per minute"), parse("12000 per minute")
# One subscriber gets a /64 of IPv6, or a /48 with 65,536 of them (RFC 6177), and a provider a /32. Counting /64 alone
# would let an attacker use each /64 once. A small provider has a /16 of IPv4.
_NETWORKS = {
    "/48": parse_limits("60 per minute", "300 per hour"),
    "/32": parse_limits("300 per minute", "3000 per hour"),
    "/16": parse_limits("300 per minute", "3000 per hour"),
}
# Reports without a signature; the limit of a single network is UNSIGNED_LIMITS of the page.
_REPORTS = parse_limits("60 per minute", "1000 per hour")
_REPORTS_BY_NETWORK = {
    "/48": parse_limits("40 per hour", "120 per day"),
    "/32": parse_limits("200 per hour", "1000 per day"),
    "/16": parse_limits("200 per hour", "1000 per day"),
}
# Beyond this no report is counted until the window ends, even with a solved puzzle.
_REPORTS_CAP = parse_limits("300 per minute", "5000 per hour")
# A signer counts once for each channel, target and day. More than this is suspicious: alert staff.
_SIGNED_REPORTS = parse_limits("300 per minute", "5000 per hour")
# Only staff see the number of views: beyond this they are not counted.
_VIEWS = parse_limits("12000 per minute", "200000 per hour")
_VIEWS_BY_NETWORK = {
    "/48": parse_limits("240 per minute", "4000 per hour"),
    "/32": parse_limits("6000 per minute", "60000 per hour"),
    "/16": parse_limits("6000 per minute", "60000 per hour"),
}
# Confirming needs no proof. More than this from one network only alerts staff: a school may be the cause.
_CONFIRMED_BY_NETWORK = {
    "/24": parse_limits("40 per minute", "200 per hour"),
    "/64": parse_limits("40 per minute", "200 per hour"),
    "/48": parse_limits("60 per minute", "300 per hour"),
    "/32": parse_limits("600 per minute", "6000 per hour"),
    "/16": parse_limits("600 per minute", "6000 per hour"),
}
# Browsers without scripts wait instead of solving a puzzle; waiting costs nothing, so it is limited by network.
_WAITING_BY_NETWORK = {
    "/24": parse_limits("4 per minute", "20 per hour"),
    "/64": parse_limits("4 per minute", "20 per hour"),
    "/48": parse_limits("8 per minute", "40 per hour"),
    "/32": parse_limits("40 per minute", "400 per hour"),
    "/16": parse_limits("40 per minute", "400 per hour"),
}
_UNCONFIRMED_SHARE, _UNCONFIRMED_LEAST = 0.75, 200
_SHARE_SECONDS, _SHARE_SIGN_UPS = 10.0, 20


# The key of the application's AbuseLimits in `app.extensions`.
EXTENSION = "tocsin_abuse_limits"


@dataclass(frozen=True, slots=True)
class AdmittedSignUp:
    """A sign-up or report that may proceed: the proof it was admitted by, and the flag it gets."""

    solved: SolvedChallenge | None = None
    flag: str | None = None


class AbuseLimits:
    """The state of one process; all that must hold across processes is in the limits' storage."""

    def __init__(self) -> None:
        self._share = float("-inf"), RecentSignUps(0, 0)
        self._sign_ups = 0
        self._raised: set[tuple[str, int, datetime]] = set()

    def recent_sign_ups(self, now: datetime) -> RecentSignUps:
        """Return the recent sign-ups and their unconfirmed share.

        They are read from the database at most every ten seconds, and only after twenty sign-ups.
        """
        self._sign_ups += 1
        if self._sign_ups >= _SHARE_SIGN_UPS and time.monotonic() - self._share[0] > _SHARE_SECONDS:
            self._share, self._sign_ups = (time.monotonic(), recent_sign_ups(now)), 0
        return self._share[1]

    def is_first_alert(self, kind: str, appeal_id: int, now: datetime) -> bool:
        """Return whether this process has not yet raised that alert within the hour."""
        alert = kind, appeal_id, now.replace(minute=0, second=0, microsecond=0)
        if alert in self._raised:
            return False
        self._raised = {raised for raised in self._raised if raised[2] == alert[2]} | {alert}
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
    """Admit a sign-up, or return the proof that it needs first. A wrong or used proof is answered by a new demand.

    `must_prove`: nothing shows that the site's own form sent it, so a proof is required, which only a response of the
    site can have provided.
    """
    mode = "always" if must_prove else context.settings.challenge
    flood = _flood_kind(appeal, address, networks, context) if mode != "always" else None
    if mode == "off" or (mode == "adaptive" and flood is None):
        return AdmittedSignUp()
    result = _check(appeal, proof, ticket, networks, context)
    return AdmittedSignUp(result.solved, _flag(address, context)) if isinstance(result, AdmittedSignUp) else result


def admit_report(
    appeal: AppealView, proof: str, ticket: str, networks: Sequence[Network], *, context: Context
) -> AdmittedSignUp | ChallengeDemand | None:
    """Admit a report without a signature, or return the proof that it needs first.

    Return None if the appeal's cap of reports is reached.
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
    result = AdmittedSignUp() if is_quiet else _check(appeal, proof, ticket, networks, context)
    # Only admitted reports count towards the cap: requests without a proof cannot use it up.
    if isinstance(result, AdmittedSignUp) and hit_watched([WatchedLimit("reports-cap", _REPORTS_CAP, key)])[0]:
        _alert("reports", appeal, context)
        return None
    return result


def watch_signed_report(appeal: AppealView, *, context: Context) -> None:
    """Count a signer's report; alert staff if there are very many."""
    if limiter.enabled and hit_watched([WatchedLimit("signed-reports", _SIGNED_REPORTS, str(appeal.id))])[0]:
        _alert("signed-reports", appeal, context)


def watch_confirmed(networks: Sequence[Network], *, context: Context) -> None:
    """Count a confirmation; alert staff if very many come from one network or from neighbouring networks."""
    if limiter.enabled and hit_watched(watched_networks("confirmed-network", _CONFIRMED_BY_NETWORK, networks))[0]:
        _alert("confirmed-network", None, context)


def admit_view(appeal: AppealView, networks: Sequence[Network], *, context: Context) -> bool:
    """Return whether a page view is to be counted."""
    if not limiter.enabled:
        return True
    by_network = watched_networks("view-network", _VIEWS_BY_NETWORK, networks)
    exceeded, _ = hit_watched([WatchedLimit("views", _VIEWS, str(appeal.id)), *by_network])
    if exceeded:
        _alert("views", appeal, context)
    return not exceeded


def new_demand(appeal: AppealView, networks: Sequence[Network], *, context: Context) -> ChallengeDemand:
    """Return a demand with a new puzzle and a new ticket for waiting (20 seconds)."""
    challenges, now = Challenges(context.settings.secret_key), context.now
    ticket = challenges.make_waiting(appeal.slug, networks[0].digest, now)
    return ChallengeDemand(challenges.make(appeal.slug, now), ticket, 20)


def _check(
    appeal: AppealView, proof: str, ticket: str, networks: Sequence[Network], context: Context
) -> AdmittedSignUp | ChallengeDemand:
    challenges, now = Challenges(context.settings.secret_key), context.now
    try:
        if proof:
            return AdmittedSignUp(challenges.check(proof, appeal.slug, now))
        if ticket:
            solved = challenges.check_waiting(ticket, appeal.slug, networks[0].digest, now)
            if not hit_watched(watched_networks("waiting", _WAITING_BY_NETWORK, networks))[0]:
                return AdmittedSignUp(solved)
    except ChallengeError as error:
        if error.wait:
            return ChallengeDemand(challenges.make(appeal.slug, now), ticket, error.wait)
    return new_demand(appeal, networks, context=context)


def _flood_kind(appeal: AppealView, address: Address, networks: Sequence[Network], context: Context) -> str | None:
    """Count the sign-up; return the kind of flood that is under way, None without any, and alert staff to it."""
    if not limiter.enabled:
        return None
    exceeded, recent = hit_watched(
        [
            WatchedLimit(
                "domain",
                _LARGE_SOFT if address.domain in LARGE else _SOFT["domain"],
                _registrable_key(address, context),
            ),
            WatchedLimit("appeal", _SOFT["appeal"], str(appeal.id)),
            WatchedLimit("all", _SOFT["all"], ""),
            *watched_networks("network", _NETWORKS, networks),
        ]
    )
    for kind in exceeded:
        _alert(kind, appeal if kind == "appeal" else None, context)
    return next(iter((*exceeded, *recent)), None) or _unconfirmed(context)


def _unconfirmed(context: Context) -> str | None:
    sign_ups = _state_of_process().recent_sign_ups(context.now)
    if sign_ups.unconfirmed < _UNCONFIRMED_LEAST or sign_ups.share < _UNCONFIRMED_SHARE:
        return None
    _alert("unconfirmed", None, context)
    return "unconfirmed"


def _flag(address: Address, context: Context) -> str | None:
    hard = _LARGE_HARD if address.domain in LARGE else _HARD
    return None if not limiter.enabled or hit(hard, "hard", _owner_key(address, context)) else "domain"


def _registrable_key(address: Address, context: Context) -> str:
    """Return the domain's key for requiring a puzzle.

    All names below a free host count together, because a further name costs nothing.
    """
    return _key(registrable_domain(address.domain), context)


def _owner_key(address: Address, context: Context) -> str:
    """Return the domain's key for withholding mail: each owner counts alone, so that no neighbour is affected."""
    return _key(owner_domain(address.domain), context)


def _key(domain: str, context: Context) -> str:
    return context.vault.domain_digest(Address("", domain)).hex()[:32]


def _alert(kind: str, appeal: AppealView | None, context: Context) -> None:
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
