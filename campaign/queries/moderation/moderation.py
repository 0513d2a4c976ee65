"""Moderation of the own section: finding signers by name or address, trends of sign-ups, and invalidations."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator
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
from campaign.queries.signing.person import digests_of_address, owner_domain_of
from campaign.queries.signing.signature import digests_of_same_address

# The number of names that a search decrypts, which takes a second or two.
MAX_SEARCHED = 50_000
MAX_RESULTS = 100
# The number of rows in a link that changes an address: about 1,400 characters.
MAX_MARKS = 100
# The number of newest signatures examined for trends; a flood is among them.
EXAMINED_ROWS = 20_000
DAYS = 7
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
    # Whether another person signed the appeal with the same mailbox, and the mailbox confirmed that they are two.
    shares_mailbox: bool = False


@dataclass(frozen=True, slots=True)
class Trend:
    """The sign-ups from one mail domain or network on each of the last days; `key` selects them."""

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
    """The domains and networks with the most sign-ups, the days (the newest last), and the sign-ups examined."""

    days: tuple[date, ...]
    domains: tuple[Trend, ...]
    networks: tuple[Trend, ...]
    by_day: tuple[int, ...]
    looked_at: int


@dataclass(frozen=True, slots=True)
class InvalidationView:
    """An invalidation. `criteria` are None once retention has deleted them; `share`, 0 to 1, is the progress."""

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
    # How many of them can be looked at.
    sampled: int
    # Where it is about acts reported without a signature.
    is_of_reports: bool = False
    reports: tuple[ReportView, ...] = ()

    @property
    def is_begun(self) -> bool:
        """Return whether it has begun, so that it changes the counts."""
        return self.begun_at is not None

    @property
    def told(self) -> int | None:
        """Return the number of matches; None if there are so few that the number would reveal something of an address.

        Reports without a signature have no address, and an invalidation that has begun shows in the counts anyway.
        """
        is_told = self.is_of_reports or self.is_begun or not is_small(self.matched)
        return self.matched if is_told or (self.criteria and self.criteria.selects_ids_only) else None

    @property
    def told_confirmed(self) -> int | None:
        """Return the number of confirmed matches; None if this number, or the remaining one, must be hidden."""
        if self.told is None or self.is_begun or (self.criteria and self.criteria.selects_ids_only):
            return None if self.told is None else self.matched_confirmed
        left = self.matched - self.matched_confirmed
        return None if is_small(self.matched_confirmed) or (left and is_small(left)) else self.matched_confirmed

    @property
    def is_at_work(self) -> bool:
        """Return whether a worker still has work to do for it."""
        return self.state in ACTIVE_STATES


def find_signer_ids(scope: Scope, vault: Vault, *, name: str, address: Address | None) -> tuple[int, ...]:
    """Return the ids of the own section's signatures with exactly that name or address: the newest FOUND.

    No digest of a name is stored, because it would show a thief who signed. Instead the newest SEARCHED names are
    decrypted.
    """
    if address is None:
        return tuple(islice(_named(scope, vault, name_key(name)), MAX_RESULTS))
    found = Signature.address_digest.in_(digests_of_address(db.session, address, vault))
    chosen = select(Signature.id).where(found, Signature.section_code == scope.section)
    return tuple(db.session.scalars(chosen.order_by(Signature.id.desc()).limit(MAX_RESULTS)))


@dataclass(frozen=True, slots=True)
class SectionSignature:
    """A signature of the own section without its signer."""

    id: int
    slug: str
    state: str
    country: str
    signed_at: datetime


def own_signature(scope: Scope, signature_id: int) -> SectionSignature:
    """Return a signature of the own section that was not erased. Raise NotFoundError."""
    chosen = select(Signature.id, Appeal.slug, Signature.state, Signature.country, Signature.signed_at)
    own = Signature.id == signature_id, Signature.section_code == scope.section, Signature.address_digest.is_not(None)
    row = db.session.execute(chosen.join(Appeal, Appeal.id == Signature.appeal_id).where(*own)).one_or_none()
    if row is None:
        raise NotFoundError("there is no such signature")
    return SectionSignature(*row)


def own_signatures_of_same_address(scope: Scope, vault: Vault, signature_id: int) -> tuple[int, ...]:
    """Return the ids of the own section's signatures with the same address. Raise NotFoundError."""
    own_signature(scope, signature_id)
    digests = digests_of_same_address(signature_id, vault)
    chosen = select(Signature.id).where(Signature.address_digest.in_(digests), Signature.section_code == scope.section)
    return tuple(db.session.scalars(chosen.order_by(Signature.id)))


def own_marks_of_same_address(scope: Scope, vault: Vault, signature_id: int) -> tuple[bytes, ...]:
    """Return the marks (`shown_mark`) that bind a link to the own section's signatures with the same address.

    The link opens them as long as they belong to the section. The signature itself is first, then the newest; a link
    has room for MARKED. Raise NotFoundError.
    """
    own = own_signatures_of_same_address(scope, vault, signature_id)
    chosen = select(Signature.id, Signature.link_key).where(Signature.id.in_(own))
    rows = db.session.execute(chosen.order_by(Signature.id != signature_id, Signature.id.desc()).limit(MAX_MARKS))
    return tuple(shown_mark(one, section_content(link_key or b"", scope.section)) for one, link_key in rows)


def is_beyond_search(scope: Scope) -> bool:
    """Return whether the section has more signatures than a search by name examines."""
    chosen = select(Signature.id).where(Signature.section_code == scope.section).order_by(Signature.id.desc())
    return db.session.execute(chosen.offset(MAX_SEARCHED).limit(1)).first() is not None


def _named(scope: Scope, vault: Vault, key: str) -> Iterator[int]:
    columns = Signature.id, Signature.appeal_id, Signature.address_digest, Signature.link_key, Signature.name_sealed
    chosen = select(*columns).where(Signature.section_code == scope.section).order_by(Signature.id.desc())
    for row in db.session.execute(chosen.limit(MAX_SEARCHED)).all():
        if row.name_sealed is None:
            continue
        try:
            name = vault.open_name(row.name_sealed, at_signature(row.appeal_id, row.address_digest, row.link_key))
        except CipherError:
            continue
        if name_key(name) == key:
            yield row.id


def trends(scope: Scope, vault: Vault, *, now: datetime, slug: str | None = None) -> Trends:
    """Return the sign-ups of the last days in the own section by mail domain and network, for one appeal or all."""
    first = (now - timedelta(days=DAYS - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
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
    days = tuple(first.date() + timedelta(days=number) for number in range(DAYS))
    wanted = [newest.c.signed_at >= first]
    if slug is not None:
        wanted.append(newest.c.appeal_id == select(Appeal.id).where(Appeal.slug == slug).scalar_subquery())
    sums = {name: _sums(newest, newest.c[f"{name}_digest"], wanted) for name in ("domain", "network")}
    by_day = [0] * DAYS
    for day, number, _confirmed, _some in (row for rows in sums["domain"].values() for row in rows):
        by_day[_place(day, days)] += number
    domains = _trends(sums["domain"], days, lambda digest, some: _domain_of(some, vault))
    networks = _trends(sums["network"], days, lambda digest, some: digest.hex())
    return Trends(days, domains, networks, tuple(by_day), sum(by_day))


def alerts(*, now: datetime, within: timedelta = timedelta(days=DAYS)) -> tuple[tuple[str, str | None, datetime], ...]:
    """Return recent alerts: the kind, the appeal's slug (None: all appeals), and the time."""
    chosen = select(AbuseAlert.kind, Appeal.slug, AbuseAlert.raised_at).outerjoin(
        Appeal, Appeal.id == AbuseAlert.appeal_id
    )
    recent = chosen.where(AbuseAlert.raised_at > now - within).order_by(AbuseAlert.raised_at.desc()).limit(20)
    return tuple((kind, slug, raised_at) for kind, slug, raised_at in db.session.execute(recent))


def invalidations(scope: Scope, vault: Vault) -> tuple[InvalidationView, ...]:
    """Return the newest invalidations of the own section."""
    return tuple(_view(tuple(row), vault) for row in db.session.execute(_chosen(scope).limit(50)))


def find_invalidation(scope: Scope, vault: Vault, invalidation_id: int) -> InvalidationView:
    """Return an invalidation of the own section. Raise NotFoundError."""
    row = db.session.execute(_chosen(scope).where(Invalidation.id == invalidation_id)).one_or_none()
    if row is None:
        raise NotFoundError("there is no such invalidation")
    found = _view(tuple(row), vault)
    return replace(found, sampled=0, reports=find_reports(scope, row[0].sample)) if found.is_of_reports else found


def sample_of(scope: Scope, invalidation_id: int) -> tuple[int, ...]:
    """Return the ids of the first signatures that an invalidation of the own section matches. Raise NotFoundError."""
    chosen = select(Invalidation.sample).where(
        Invalidation.id == invalidation_id,
        Invalidation.section_code == scope.section,
        Invalidation.kind == InvalidatedKind.SIGNATURES,
    )
    sample = db.session.scalar(chosen)
    if sample is None:
        raise NotFoundError("there is no such invalidation")
    return tuple(sample)


def _chosen(scope: Scope) -> Any:
    undoer = aliased(Staff)
    return (
        select(Invalidation, Appeal.slug, Staff.email, undoer.email)
        .join(Staff, Staff.id == Invalidation.staff_id)
        .outerjoin(undoer, undoer.id == Invalidation.undone_by)
        .outerjoin(Appeal, Appeal.id == Invalidation.appeal_id)
        .where(Invalidation.section_code == scope.section)
        .order_by(Invalidation.id.desc())
    )


def _view(found: tuple[Any, ...], vault: Vault) -> InvalidationView:
    row, slug, who, undoer = found
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
        sampled=len(row.sample),
        is_of_reports=row.kind == InvalidatedKind.REPORTS,
    )


def _criteria(row: Invalidation, vault: Vault) -> Criteria | None:
    try:
        return unpack_criteria(vault.open_context(row.criteria_sealed, place_of(row))) if row.criteria_sealed else None
    except CipherError:
        return None


def open_signers(ids: Iterable[int], scope: Scope, vault: Vault) -> tuple[SignerView, ...]:
    """Return the signers, decrypted, in the order of the ids; those erased or no longer readable are left out.

    Only `services/privacy/disclosure.py` may call it, which first logs who reads them and why.
    """
    ids = list(ids)
    rows = db.session.execute(
        select(Signature, Appeal.slug)
        .join(Appeal, Appeal.id == Signature.appeal_id)
        .where(Signature.id.in_(ids), Signature.section_code == scope.section)
    )
    found = {row.id: view for row, slug in rows if (view := _signer(row, slug, vault)) is not None}
    return tuple(found[one] for one in ids if one in found)


def _signer(row: Signature, slug: str, vault: Vault) -> SignerView | None:
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


Sums = dict[bytes, list[tuple[Any, int, int, int]]]


def _sums(newest: Any, key: Any, wanted: list[Any]) -> Sums:
    """Return by digest and day the sign-ups, the confirmed ones, and the id of one of them."""
    day = func.date(newest.c.signed_at)
    rows = db.session.execute(
        select(key, day, func.count(), func.count(newest.c.confirmed_at), func.max(newest.c.id))
        .where(*wanted, key.is_not(None))
        .group_by(key, day)
    )
    found: Sums = defaultdict(list)
    for digest, when, number, confirmed, some in rows:
        found[bytes(digest)].append((when, number, confirmed, some))
    return found


def _trends(sums: Sums, days: tuple[date, ...], named: Any) -> tuple[Trend, ...]:
    largest = sorted(sums.items(), key=lambda pair: -sum(row[1] for row in pair[1]))[:_TOP]
    # A domain has another digest in each month.
    by_name: dict[str, list[tuple[Any, int, int, int]]] = {}
    for digest, rows in largest:
        key = named(digest, rows[-1][3])
        if key is not None:
            by_name.setdefault(key, []).extend(rows)
    found = (_trend(key, rows, days) for key, rows in by_name.items())
    # A domain that few people have identifies them.
    return tuple(one for one in found if one is not None and not ("." in one.key and is_small(one.total)))


def _trend(key: str | None, rows: Iterable[tuple[Any, int, int, int]], days: tuple[date, ...]) -> Trend | None:
    if key is None:
        return None
    by_day, confirmed = [0] * len(days), 0
    for day, number, sure, _ in rows:
        by_day[_place(day, days)] += number
        confirmed += sure
    return Trend(key, key if "." in key else key[:8], tuple(by_day), confirmed)


def _place(day: Any, days: tuple[date, ...]) -> int:
    return min(len(days) - 1, max(0, (date.fromisoformat(str(day)) - days[0]).days))


def _domain_of(signature_id: int, vault: Vault) -> str | None:
    """Return the mail domain, by decrypting a signature's address; None if that fails."""
    row = db.session.get(Signature, signature_id)
    try:
        return owner_domain_of(row, vault)
    except CipherError:
        return None
