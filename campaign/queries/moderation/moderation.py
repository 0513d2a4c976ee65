"""Queries of the moderation page: signers by name or address, trends of sign-ups, and invalidations of a section.

Alerts are those of all sections: they have a kind, an appeal and a time, and nothing of a signer.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from campaign.domain.counting.small_cells import is_small
from campaign.domain.errors import CipherError, NotFoundError
from campaign.domain.moderation.invalidation import ACTIVE_STATES, Criteria, InvalidatedKind, unpack_criteria
from campaign.domain.privacy.cipher import Vault
from campaign.domain.privacy.sealed_place import at_signature
from campaign.domain.signing.address import Address, parse_address
from campaign.domain.signing.name import name_key
from campaign.domain.signing.token import section_content, shown_mark
from campaign.domain.staff.roles import Scope
from campaign.models import AbuseAlert, Appeal, Invalidation, Signature, Staff
from campaign.models.privacy.sealed_columns import place_of
from campaign.platform import db
from campaign.queries.moderation.reported import ReportView, find_reports
from campaign.queries.moderation.row_limit import EXAMINED_ROWS
from campaign.queries.signing.person import digests_of_address, owner_domain_of
from campaign.queries.signing.signature import digests_of_same_address

# The maximum number of names that a search decrypts, which takes one or two seconds.
MAX_SEARCHED = 50_000
MAX_RESULTS = 100
# The maximum number of signatures that a link for changing an address lists, with a mark of 8 bytes for each. So the
# link has at most about 1,400 characters.
MAX_MARKS = 100
TREND_DAYS = 7
_TOP = 12

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SignerView:
    """A signature with its signer, decrypted; `slug` names the appeal."""

    id: int
    slug: str
    name: str
    email: str
    country: str
    state: str
    signed_at: datetime
    # Whether another person had signed this appeal from the same mailbox before. The mailbox has confirmed both.
    is_second_in_mailbox: bool = False


@dataclass(frozen=True, slots=True)
class Trend:
    """The sign-ups from one mail domain or network on each of the last days.

    `key` is the domain, or the keyed digest of the network in hex, as in Criteria; `label` is its short form.
    """

    key: str
    label: str
    by_day: tuple[int, ...]
    confirmed: int

    @property
    def total(self) -> int:
        """Return the sum of all days."""
        return sum(self.by_day)


@dataclass(frozen=True, slots=True)
class Trends:
    """The domains and networks with the most sign-ups, and the total of each day, the newest day last.

    `examined` is the sum of `by_day`: the sign-ups of these days, and of the chosen appeal, among the newest
    EXAMINED_ROWS of the section, if the digest of their domain is stored.
    """

    days: tuple[date, ...]
    domains: tuple[Trend, ...]
    networks: tuple[Trend, ...]
    by_day: tuple[int, ...]
    examined: int


@dataclass(frozen=True, slots=True)
class InvalidationView:
    """An invalidation. `criteria` is None after retention has deleted them; `share` is the progress from 0 to 1.

    `who` and `undone_by` are addresses of accounts.
    """

    id: int
    slug: str | None
    state: str
    criteria: Criteria | None
    matched: int
    matched_confirmed: int
    changed: int
    share: float
    reason: str | None
    who: str
    created_at: datetime
    begun_at: datetime | None
    ended_at: datetime | None
    undone_by: str | None
    # The number of matches that can be previewed.
    sample_size: int
    # Whether it invalidates actions reported without a signature. Then `reports` has the first of these.
    is_of_reports: bool = False
    reports: tuple[ReportView, ...] = ()

    @property
    def is_begun(self) -> bool:
        """Return whether it was begun, so that the counts have changed."""
        return self.begun_at is not None

    @property
    def shown_matches(self) -> int | None:
        """Return the number of matches; None if it is so small that it would reveal something about an address.

        It is always shown for reports without a signature, which have no address, for an invalidation that was begun,
        because the counts show it anyway, and for signatures that staff chose one by one.
        """
        is_shown = self.is_of_reports or self.is_begun or not is_small(self.matched)
        return self.matched if is_shown or (self.criteria and self.criteria.selects_ids_only) else None

    @property
    def shown_confirmed(self) -> int | None:
        """Return the number of confirmed matches; None if it or the unconfirmed number is too small to be shown."""
        if self.shown_matches is None:
            return None
        if self.is_begun or (self.criteria and self.criteria.selects_ids_only):
            return self.matched_confirmed
        unconfirmed = self.matched - self.matched_confirmed
        is_hidden = is_small(self.matched_confirmed) or (unconfirmed > 0 and is_small(unconfirmed))
        return None if is_hidden else self.matched_confirmed

    @property
    def is_active(self) -> bool:
        """Return whether a worker still has work to do for it."""
        return self.state in ACTIVE_STATES


def find_signer_ids(scope: Scope, vault: Vault, *, name: str, address: Address | None) -> tuple[int, ...]:
    """Return the ids of the newest MAX_RESULTS signatures of the staff member's section with that name or address.

    Names are compared whole, but without capitals, accents, spaces and hyphens (`name_key`).
    No digest of a name is stored, because it would reveal to a thief who signed. So a search by name decrypts and
    compares the newest MAX_SEARCHED names.
    """
    if address is None:
        return tuple(islice(_ids_with_name(scope, vault, name_key(name)), MAX_RESULTS))
    has_address = Signature.address_digest.in_(digests_of_address(db.session, address, vault))
    query = select(Signature.id).where(has_address, Signature.section_code == scope.section)
    return tuple(db.session.scalars(query.order_by(Signature.id.desc()).limit(MAX_RESULTS)))


@dataclass(frozen=True, slots=True)
class SectionSignature:
    """A signature of the staff member's section, without its signer's data."""

    id: int
    slug: str
    state: str
    country: str
    signed_at: datetime


def own_signature(scope: Scope, signature_id: int) -> SectionSignature:
    """Return a signature of the staff member's section. Raises NotFoundError if there is none or it was erased."""
    query = select(Signature.id, Appeal.slug, Signature.state, Signature.country, Signature.signed_at)
    own = Signature.id == signature_id, Signature.section_code == scope.section, Signature.address_digest.is_not(None)
    row = db.session.execute(query.join(Appeal, Appeal.id == Signature.appeal_id).where(*own)).one_or_none()
    if row is None:
        raise NotFoundError("there is no such signature")
    return SectionSignature(*row)


def own_signatures_of_same_address(scope: Scope, vault: Vault, signature_id: int) -> tuple[int, ...]:
    """Return the ids of the section's signatures with the same address.

    Raises NotFoundError if the section has no such signature, or it was erased.
    """
    own_signature(scope, signature_id)
    digests = digests_of_same_address(signature_id, vault)
    query = select(Signature.id).where(Signature.address_digest.in_(digests), Signature.section_code == scope.section)
    return tuple(db.session.scalars(query.order_by(Signature.id)))


def own_marks_of_same_address(scope: Scope, vault: Vault, signature_id: int) -> tuple[bytes, ...]:
    """Return a short hash (`shown_mark`) of each of the section's signatures with the same address, for a link.

    The link works only for these signatures, and only as long as they belong to the section. There are at most
    MAX_MARKS: that of the given signature, then those of the newest. Raises NotFoundError if the section has no such
    signature, or it was erased.
    """
    ids = own_signatures_of_same_address(scope, vault, signature_id)
    query = select(Signature.id, Signature.link_key).where(Signature.id.in_(ids))
    rows = db.session.execute(query.order_by(Signature.id != signature_id, Signature.id.desc()).limit(MAX_MARKS))
    return tuple(shown_mark(row_id, section_content(link_key or b"", scope.section)) for row_id, link_key in rows)


def is_beyond_search(scope: Scope) -> bool:
    """Return whether the section has more signatures than a search by name examines."""
    query = select(Signature.id).where(Signature.section_code == scope.section).order_by(Signature.id.desc())
    return db.session.execute(query.offset(MAX_SEARCHED).limit(1)).first() is not None


def _ids_with_name(scope: Scope, vault: Vault, key: str) -> Iterator[int]:
    """Yield the ids of the section's signatures whose name has that key (`name_key`), the newest first."""
    columns = Signature.id, Signature.appeal_id, Signature.address_digest, Signature.link_key, Signature.name_sealed
    query = select(*columns).where(Signature.section_code == scope.section).order_by(Signature.id.desc())
    for row in db.session.execute(query.limit(MAX_SEARCHED)).all():
        if row.name_sealed is None:
            continue
        try:
            name = vault.open_name(row.name_sealed, at_signature(row.appeal_id, row.address_digest, row.link_key))
        except CipherError:
            continue
        if name_key(name) == key:
            yield row.id


def trends(scope: Scope, vault: Vault, *, now: datetime, slug: str | None = None) -> Trends:
    """Return the section's signatures of the last TREND_DAYS days by mail domain and network, for one appeal or all."""
    first = (now - timedelta(days=TREND_DAYS - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
    newest = (
        select(
            Signature.id,
            Signature.appeal_id,
            Signature.domain_digest,
            Signature.network_digest,
            Signature.signed_at,
            Signature.confirmed_at,
        )
        .where(Signature.section_code == scope.section)
        .order_by(Signature.id.desc())
        .limit(EXAMINED_ROWS)
        .subquery()
    )
    days = tuple(first.date() + timedelta(days=number) for number in range(TREND_DAYS))
    conditions = [newest.c.signed_at >= first]
    if slug is not None:
        conditions.append(newest.c.appeal_id == select(Appeal.id).where(Appeal.slug == slug).scalar_subquery())
    sums = {name: _sums(newest, newest.c[f"{name}_digest"], conditions) for name in ("domain", "network")}
    by_day = [0] * TREND_DAYS
    for day, number, _confirmed, _signature_id in (row for rows in sums["domain"].values() for row in rows):
        by_day[_day_index(day, days)] += number
    domains = _trends(sums["domain"], days, lambda _digest, signature_id: _domain_of(signature_id, vault))
    networks = _trends(sums["network"], days, lambda digest, _signature_id: digest.hex())
    return Trends(days, domains, networks, tuple(by_day), sum(by_day))


def alerts(
    *, now: datetime, within: timedelta = timedelta(days=TREND_DAYS)
) -> tuple[tuple[str, str | None, datetime], ...]:
    """Return the newest alerts of all sections: the kind, the appeal's slug (None: all appeals), and the time."""
    query = select(AbuseAlert.kind, Appeal.slug, AbuseAlert.raised_at).outerjoin(
        Appeal, Appeal.id == AbuseAlert.appeal_id
    )
    recent = query.where(AbuseAlert.raised_at > now - within).order_by(AbuseAlert.raised_at.desc()).limit(20)
    return tuple((kind, slug, raised_at) for kind, slug, raised_at in db.session.execute(recent))


def invalidations(scope: Scope, vault: Vault) -> tuple[InvalidationView, ...]:
    """Return the newest 50 invalidations of the staff member's section."""
    return tuple(_view(tuple(row), vault) for row in db.session.execute(_invalidations(scope).limit(50)))


def find_invalidation(scope: Scope, vault: Vault, invalidation_id: int) -> InvalidationView:
    """Return an invalidation of the staff member's section. Raises NotFoundError if the section does not have it."""
    row = db.session.execute(_invalidations(scope).where(Invalidation.id == invalidation_id)).one_or_none()
    if row is None:
        raise NotFoundError("there is no such invalidation")
    view = _view(tuple(row), vault)
    # Reports need no preview with a reason, because they name no signer: the page shows them at once.
    return replace(view, sample_size=0, reports=find_reports(scope, row[0].sample)) if view.is_of_reports else view


def sample_of(scope: Scope, invalidation_id: int) -> tuple[int, ...]:
    """Return the ids of the first signatures that an invalidation of the staff member's section matches.

    Raises NotFoundError if the section has no such invalidation of signatures.
    """
    query = select(Invalidation.sample).where(
        Invalidation.id == invalidation_id,
        Invalidation.section_code == scope.section,
        Invalidation.kind == InvalidatedKind.SIGNATURES,
    )
    sample = db.session.scalar(query)
    if sample is None:
        raise NotFoundError("there is no such invalidation")
    return tuple(sample)


def _invalidations(scope: Scope) -> Any:
    """Return the query for the section's invalidations, the newest first, with the columns that `_view` requires."""
    undoer = aliased(Staff)
    return (
        select(Invalidation, Appeal.slug, Staff.email, undoer.email)
        .join(Staff, Staff.id == Invalidation.staff_id)
        .outerjoin(undoer, undoer.id == Invalidation.undone_by)
        .outerjoin(Appeal, Appeal.id == Invalidation.appeal_id)
        .where(Invalidation.section_code == scope.section)
        .order_by(Invalidation.id.desc())
    )


def _view(columns: tuple[Any, ...], vault: Vault) -> InvalidationView:
    row, slug, who, undoer = columns
    return InvalidationView(
        id=row.id,
        slug=slug,
        state=row.state,
        criteria=_criteria(row, vault),
        matched=row.matched,
        matched_confirmed=row.matched_confirmed,
        changed=row.changed,
        share=min(1.0, row.after_id / row.until_id) if row.until_id else 1.0,
        reason=row.reason,
        who=who,
        created_at=row.created_at,
        begun_at=row.begun_at,
        ended_at=row.ended_at,
        undone_by=undoer,
        sample_size=len(row.sample),
        is_of_reports=row.kind == InvalidatedKind.REPORTS,
    )


def _criteria(row: Invalidation, vault: Vault) -> Criteria | None:
    """Return the decrypted criteria; None if retention deleted them, or they cannot be decrypted."""
    try:
        return unpack_criteria(vault.open_context(row.criteria_sealed, place_of(row))) if row.criteria_sealed else None
    except CipherError:
        return None


def open_signers(ids: Iterable[int], scope: Scope, vault: Vault) -> tuple[SignerView, ...]:
    """Return the decrypted signers in the order of the ids, without those who are erased or cannot be decrypted.

    Only `services/privacy/disclosure.py` may call it: it first adds the reader and the reason to the audit log.
    """
    ids = list(ids)
    rows = db.session.execute(
        select(Signature, Appeal.slug)
        .join(Appeal, Appeal.id == Signature.appeal_id)
        .where(Signature.id.in_(ids), Signature.section_code == scope.section)
    )
    signers = {row.id: view for row, slug in rows if (view := _signer(row, slug, vault)) is not None}
    return tuple(signers[signature_id] for signature_id in ids if signature_id in signers)


def _signer(row: Signature, slug: str, vault: Vault) -> SignerView | None:
    """Return the decrypted signer; None if the data was erased or cannot be decrypted."""
    if row.name_sealed is None or row.email_sealed is None:
        return None
    place = place_of(row)
    try:
        name, email = vault.open_name(row.name_sealed, place), vault.open_email(row.email_sealed, place)
    except CipherError:
        log.exception("signature %s does not open", row.id)
        return None
    second = vault.second_digest(vault.address_digest(row.appeal_id, parse_address(email)))
    return SignerView(row.id, slug, name, email, row.country, row.state, row.signed_at, row.address_digest == second)


# For each digest: the day, its sign-ups, the confirmed ones, and the id of one of these signatures.
DaySums = dict[bytes, list[tuple[Any, int, int, int]]]


def _sums(newest: Any, key: Any, conditions: list[Any]) -> DaySums:
    """Return the sign-ups by digest and day."""
    day = func.date(newest.c.signed_at)
    rows = db.session.execute(
        select(key, day, func.count(), func.count(newest.c.confirmed_at), func.max(newest.c.id))
        .where(*conditions, key.is_not(None))
        .group_by(key, day)
    )
    sums: DaySums = defaultdict(list)
    for digest, on, number, confirmed, signature_id in rows:
        sums[bytes(digest)].append((on, number, confirmed, signature_id))
    return sums


def _trends(sums: DaySums, days: tuple[date, ...], key_of: Callable[[bytes, int], str | None]) -> tuple[Trend, ...]:
    """Return the trends of the largest sums, without domains whose total is small.

    `key_of` returns the trend's key for a digest and the id of a signature that has it; None leaves it out.
    """
    largest = sorted(sums.items(), key=lambda pair: -sum(row[1] for row in pair[1]))[:_TOP]
    # A domain has another digest in each month, so several digests may have the same key.
    by_key: dict[str, list[tuple[Any, int, int, int]]] = {}
    for digest, rows in largest:
        key = key_of(digest, rows[-1][3])
        if key is not None:
            by_key.setdefault(key, []).extend(rows)
    all_trends = (_trend(key, rows, days) for key, rows in by_key.items())
    # A domain with few people identifies them. A network's key has no dot, because it is a digest in hex.
    return tuple(trend for trend in all_trends if not ("." in trend.key and is_small(trend.total)))


def _trend(key: str, rows: Iterable[tuple[Any, int, int, int]], days: tuple[date, ...]) -> Trend:
    """Return the trend of the rows, which are sums by day as in DaySums."""
    by_day, confirmed = [0] * len(days), 0
    for day, number, number_confirmed, _ in rows:
        by_day[_day_index(day, days)] += number
        confirmed += number_confirmed
    return Trend(key, key if "." in key else key[:8], tuple(by_day), confirmed)


def _day_index(day: Any, days: tuple[date, ...]) -> int:
    """Return the position of `day` in `days`. The database may give `day` as text."""
    return min(len(days) - 1, max(0, (date.fromisoformat(str(day)) - days[0]).days))


def _domain_of(signature_id: int, vault: Vault) -> str | None:
    """Return the owner's domain of the signature's address; None if it is unknown or cannot be decrypted."""
    row = db.session.get(Signature, signature_id)
    try:
        return owner_domain_of(row, vault)
    except CipherError:
        return None
