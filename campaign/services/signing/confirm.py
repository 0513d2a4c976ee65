"""The confirmation of a sign-up, which creates its signature and counts it.

A form of an address that has signed the appeal before is stored like any other (`sign_statement`). The effect of
confirming it depends on what that address has done on the appeal. This table is the rule; each row has a test
(tests/signing/rules/test_same_address.py). An error means that nothing changes.

| before                                    | confirming gives      | counts one more |
| ----------------------------------------- | --------------------- | --------------- |
| nothing                                   | a new signature       | yes             |
| an earlier form says the same and waits   | a new signature       | yes             |
| a newer form says something else          | SignUpChangedError    | no              |
| this form was confirmed                   | the same signature    | no              |
| signed under the same name                | the same signature    | no              |
| signed under another name                 | a second signature    | yes             |
| signed under two other names              | the second signature  | no              |
| withdrew                                  | the same signature    | yes             |
| was taken out of the counts by staff      | InvalidatedError      | no              |
| signed and erased                         | a new signature       | no              |
| withdrew and erased                       | a new signature       | yes             |

Two people who share a mailbox may both sign, and no third. An existing signature gains the consents that are ticked now
and loses none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, bindparam, exists, insert, literal_column, null, select, update
from sqlalchemy.orm import Session

from campaign.domain.appeals.appeal import AppealState, is_confirmable
from campaign.domain.appeals.last_time_zone import last_zone
from campaign.domain.counting.action import Evidence
from campaign.domain.counting.channel import Channel
from campaign.domain.counting.funnel import confirmation_stage
from campaign.domain.errors import (
    AppealEndedError,
    InvalidatedError,
    NotFoundError,
    SignUpChangedError,
    StateError,
    UnknownKeyError,
)
from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.privacy.cipher import Vault
from campaign.domain.privacy.row_key import KeySlot
from campaign.domain.privacy.sealed_place import at_signature
from campaign.domain.signing.address import Address, parse_address
from campaign.domain.signing.name import name_key
from campaign.domain.signing.signature import SignatureState
from campaign.domain.signing.token import Link, new_link_key
from campaign.models import Action, Appeal, Consent, RowKey, Section, Signature, SignUp, Tombstone
from campaign.models.privacy.sealed_columns import place_of
from campaign.platform.context import Context
from campaign.platform.database.combined_statement import Write, execute_combined
from campaign.platform.database.locks import NO_KEY_UPDATE
from campaign.platform.database.precompiled import Precompiled
from campaign.platform.database.transaction import transaction
from campaign.queries.signing.sign_up import origin_of, refuse_another, said_by
from campaign.services.counting.funnel_counts import FunnelPassage, counting_stages
from campaign.services.counting.tally import TallyCell, counting, hour_of
from campaign.services.keys.month_key import month_key, month_of
from campaign.services.keys.row_key import KeyUse, reserve
from campaign.services.outbox.enqueue import OwedMail, enqueuing
from campaign.services.outbox.mailbox_limit import proving
from campaign.services.signing.signature import locked
from campaign.services.signing.withdraw import grant

# On PostgreSQL the signature's id is fetched beforehand, so that one statement writes all its rows.
_NEXT_ID = {"postgresql": literal_column("nextval('signature_id_seq')"), "sqlite": null()}
_FIND_SIGN_UP = (
    select(
        SignUp,
        Appeal.deadline,
        Appeal.state.label("appeal_state"),
        Appeal.ended_at,
        Section.countries,
        Section.time_zone,
    )
    .join(Appeal, Appeal.id == SignUp.appeal_id)
    .join(Section, Section.code == SignUp.section_code)
    .where(SignUp.id == bindparam("sign_up"))
    .with_for_update(of=SignUp, **NO_KEY_UPDATE)
    .execution_options(populate_existing=True)
)
_SIGNED = select(Signature.id).where(Signature.address_digest == bindparam("signed")).scalar_subquery()
_ERASED = exists().where(Tombstone.appeal_id == bindparam("appeal"), Tombstone.address_digest == bindparam("erased"))
_HAS_KEY = exists().where(RowKey.id == bindparam("batch"))
# What the address has done on this appeal before, looked up once the address is decrypted.
_FIND_EARLIER = {
    dialect: select(
        _SIGNED.label("signed_id"), _ERASED.label("was_counted"), _HAS_KEY.label("has_key"), number.label("number")
    )
    for dialect, number in _NEXT_ID.items()
}
_MARK_CONFIRMED = (
    update(SignUp)
    .where(SignUp.id == bindparam("done"))
    # The signature has the typed values from now on.
    .values(
        signature_id=bindparam("signed"),
        name_sealed=None,
        email_sealed=None,
        network_digest=None,
        domain_digest=None,
        mailed_at=None,
    )
)
_INSERT_SIGNATURE, _INSERT_CONSENT, _INSERT_ACTION = insert(Signature), insert(Consent), insert(Action)
_COPIED = ("appeal_id", "section_code", "locale")
_COLUMNS = (
    *(
        *_COPIED,
        "country",
        "address_digest",
        "name_sealed",
        "email_sealed",
        "state",
        "wants_updates",
        "shares_name",
        "link_key",
    ),
    *("signed_at", "confirmed_at", "ended_at", "network_digest", "domain_digest", "is_repeat"),
)
_RENEW_SIGNATURE = (
    update(Signature)
    .where(Signature.id == bindparam("again"))
    .values({name: bindparam(f"again_{name}", type_=Signature.__table__.c[name].type) for name in _COLUMNS})
)
_INSERT_RETURNING_ID = Precompiled(_INSERT_SIGNATURE.returning(Signature.id), _COLUMNS)


@dataclass(frozen=True, slots=True)
class ConsentChoices:
    """The consents that the mailbox's owner ticks when confirming: to get updates, to have the name handed over."""

    updates: bool = False
    shares_name: bool = False


@dataclass(frozen=True, slots=True)
class ShownSignUp:
    """A sign-up as a page showed it."""

    sign_up_id: int
    content_digest: bytes


@dataclass(frozen=True, slots=True)
class ConfirmedSignature:
    """The signature that a sign-up has become, its link key, and the hour in which it was confirmed (`at`).

    `is_used` is true where the sign-up had been confirmed before.
    """

    signature_id: int
    link_key: bytes
    at: datetime
    is_used: bool = False


def confirm(
    link: Link,
    wishes: ConsentChoices = ConsentChoices(),
    *,
    also: Sequence[ShownSignUp] = (),
    is_own: bool = True,
    context: Context,
) -> tuple[ConfirmedSignature, ...]:
    """Confirm and count the sign-up that the link is for (unless `is_own` is false), and the others shown beside it.

    Returns one signature for each, at least one, the link's own first. Repeating it changes nothing and succeeds. Where
    one fails, nothing changes: raises NotFoundError (erased, or the link is for another sign-up by now),
    SignUpChangedError (no longer what was shown), AppealEndedError (too late, or the appeal was stopped),
    InvalidatedError, StateError (withdrawn), CipherError.
    """
    now, vault = context.now, context.vault
    confirm_all = partial(_confirm_all, link, wishes, also, is_own=is_own, context=context)
    _reserve_keys(vault, len(also) + 1, now)
    try:
        return confirm_all()
    except UnknownKeyError:
        # The database was restored to an earlier state, without the keys that this process reserved for its rows.
        vault.row_keys.drop()
        month_key(vault, now=now, is_set_back=True)
        _reserve_keys(vault, len(also) + 1, now)
        return confirm_all()


def _reserve_keys(vault: Vault, number: int, now: datetime) -> None:
    reserve(vault, KeyUse.SIGNED, number, now=now)
    month_key(vault, now=now)


def _confirm_all(
    link: Link,
    wishes: ConsentChoices,
    also: Sequence[ShownSignUp],
    *,
    is_own: bool,
    context: Context,
) -> tuple[ConfirmedSignature, ...]:
    vault = context.vault
    with transaction() as session:
        linked = _sign_up_row(session, link.subject)
        if not link.opens(linked.SignUp.link_key):
            raise NotFoundError("this sign-up is another's")
        confirmed = []
        if is_own:
            if not link.shows(linked.SignUp.link_key, linked.SignUp.content_digest):
                raise SignUpChangedError("the sign-up is no longer what the link showed")
            confirmed.append(_confirm(session, _newest_form(session, linked, vault), wishes, context))
        for shown in sorted(also, key=lambda shown: shown.sign_up_id):
            row = _sign_up_row(session, shown.sign_up_id)
            if row.SignUp.content_digest != shown.content_digest:
                raise SignUpChangedError("the sign-up is no longer what the page showed")
            confirmed.append(_confirm(session, _newest_form(session, row, vault), wishes, context))
        if not confirmed:
            raise StateError("nothing was chosen")
        return tuple(confirmed)


def _sign_up_row(session: Session, sign_up_id: int) -> Any:
    row = session.execute(_FIND_SIGN_UP, {"sign_up": sign_up_id}).one_or_none()
    if row is None:
        raise NotFoundError("this sign-up has been erased")
    return row


def _newest_form(session: Session, row: Any, vault: Vault) -> Any:
    """Return the row of the form that superseded this one, or the row itself where none did.

    Raises SignUpChangedError where the newer form has other contents.
    """
    sign_up = row.SignUp
    if sign_up.signature_id is not None or sign_up.email_sealed is None:
        return row
    address = parse_address(vault.open_email(sign_up.email_sealed, place_of(sign_up)))
    digest = vault.waiting_digest(vault.address_digest(sign_up.appeal_id, address))
    if sign_up.address_digest == digest:
        return row
    newer = select(SignUp.id).where(SignUp.appeal_id == sign_up.appeal_id, SignUp.address_digest == digest)
    newest_id = session.scalars(newer).one_or_none()
    if newest_id is None:
        return row
    newest = _sign_up_row(session, newest_id)
    if newest.SignUp.signature_id is None and said_by(newest.SignUp, vault) != said_by(sign_up, vault):
        raise SignUpChangedError("a newer form waits, which says something else")
    return newest


def _confirm(session: Session, row: Any, wishes: ConsentChoices, context: Context) -> ConfirmedSignature:
    now, vault = context.now, context.vault
    sign_up = row.SignUp
    if sign_up.signature_id is not None:
        confirmed = locked(session, sign_up.signature_id)
        refuse_another(sign_up, confirmed, vault)
        if confirmed.state != SignatureState.CONFIRMED:
            raise _state_error(confirmed.state)
        return replace(
            _confirm_existing(session, sign_up, confirmed, wishes, now), at=confirmed.confirmed_at or now, is_used=True
        )
    signer = _read_signer(session, sign_up, vault)
    signature = _lock_signature(session, signer)
    if (
        signature is not None
        and signature.state == SignatureState.CONFIRMED
        and _has_other_name(signature, signer, vault)
    ):
        # Two people who share a mailbox may both sign; the mail asked whether this is the case.
        digest = vault.second_digest(signer.digest)
        signer = _with_earlier(session, sign_up, replace(signer, digest=digest), vault)
        signature = _lock_signature(session, signer)
    if signature is not None and signature.state == SignatureState.CONFIRMED:
        return _confirm_existing(session, sign_up, signature, wishes, now)
    if signature is not None and signature.state != SignatureState.WITHDRAWN:
        raise _state_error(signature.state)
    _refuse_late(row, now)
    return _store_signature(session.connection(), sign_up, signer, wishes, context)


@dataclass(frozen=True, slots=True)
class _Signer:
    """The decrypted signer of a form, and what the address has done on this appeal before."""

    name: str
    address: Address
    digest: bytes
    # The form's origin: the country, and the tag of the link that led to it.
    country: str
    via: str | None
    slot: KeySlot
    signed_id: int | None = None
    was_counted: bool = False
    number: int | None = None


def _read_signer(session: Session, sign_up: SignUp, vault: Vault) -> _Signer:
    if sign_up.name_sealed is None or sign_up.email_sealed is None:
        raise NotFoundError("this sign-up has been erased")
    place = place_of(sign_up)
    address = parse_address(vault.open_email(sign_up.email_sealed, place))
    digest = vault.address_digest(sign_up.appeal_id, address)
    name, (country, via) = vault.open_name(sign_up.name_sealed, place), origin_of(sign_up, vault)
    signer = _Signer(name, address, digest, country, via, vault.row_keys.take(KeyUse.SIGNED))
    return _with_earlier(session, sign_up, signer, vault)


def _with_earlier(session: Session, sign_up: SignUp, signer: _Signer, vault: Vault) -> _Signer:
    erased = vault.tombstone_digest(signer.digest)
    parameters = {"signed": signer.digest, "appeal": sign_up.appeal_id, "erased": erased, "batch": signer.slot.batch}
    earlier = session.execute(_FIND_EARLIER[session.connection().dialect.name], parameters).one()
    if not earlier.has_key:
        raise UnknownKeyError
    return replace(signer, signed_id=earlier.signed_id, was_counted=earlier.was_counted, number=earlier.number)


def _state_error(state: str) -> StateError:
    kind = InvalidatedError if state == SignatureState.INVALIDATED else StateError
    return kind(f"the signature is {state}")


def _lock_signature(session: Session, signer: _Signer) -> Signature | None:
    return None if signer.signed_id is None else locked(session, signer.signed_id)


def _has_other_name(signature: Signature, signer: _Signer, vault: Vault) -> bool:
    if signature.name_sealed is None:
        return False
    return name_key(vault.open_name(signature.name_sealed, place_of(signature))) != name_key(signer.name)


def _confirm_existing(
    session: Session, sign_up: SignUp, signature: Signature, wishes: ConsentChoices, now: datetime
) -> ConfirmedSignature:
    if sign_up.name_sealed is not None:
        session.execute(_MARK_CONFIRMED, {"done": sign_up.id, "signed": signature.id})
    grant(session, signature, now, updates=wishes.updates, shares_name=wishes.shares_name)
    return ConfirmedSignature(signature.id, signature.link_key or b"", hour_of(now))


def _store_signature(
    connection: Connection,
    sign_up: SignUp,
    signer: _Signer,
    wishes: ConsentChoices,
    context: Context,
) -> ConfirmedSignature:
    now, vault = context.now, context.vault
    row = _signature_columns(sign_up, signer, wishes, now, vault)
    writes: list[Write] = []
    if signer.signed_id is not None:
        signature_id = signer.signed_id
        writes.append((_RENEW_SIGNATURE, {"again": signature_id, **{f"again_{name}": row[name] for name in _COLUMNS}}))
    elif signer.number is None:
        signature_id = _INSERT_RETURNING_ID.run(connection, row).scalar_one()
    else:
        signature_id = signer.number
        writes.append((_INSERT_SIGNATURE, row | {"id": signature_id}))
    owed = OwedMail(
        kind=MailKind.CONFIRMED,
        signature_id=signature_id,
        domain_digest=vault.domain_digest(signer.address),
        locale=sign_up.locale,
        text_language=sign_up.text_language,
        text_version=sign_up.text_version,
    )
    writes += [
        (_MARK_CONFIRMED, {"done": sign_up.id, "signed": signature_id}),
        (_INSERT_CONSENT, _consent_columns(sign_up, signature_id, wishes, now)),
        enqueuing(owed, now=now, domain=context.mail_domain),
        proving(connection.dialect.name, signer.address, now=now, vault=vault),
    ]
    if not signer.was_counted:
        writes += _count_signature(connection.dialect.name, signature_id, sign_up, now)
    if sign_up.flag is None:
        provider = vault.provider(vault.domain_digest(signer.address))
        passage = FunnelPassage(sign_up.appeal_id, sign_up.section_code, provider, signer.via, sign_up.signed_at.date())
        writes += counting_stages(connection.dialect.name, [(passage, confirmation_stage(now - sign_up.signed_at))])
    execute_combined(connection, writes)
    return ConfirmedSignature(signature_id, row["link_key"], row["confirmed_at"])


def _signature_columns(
    sign_up: SignUp, signer: _Signer, wishes: ConsentChoices, now: datetime, vault: Vault
) -> dict[str, Any]:
    link_key, key = new_link_key(), vault.month_keys[month_of(now)]
    place = at_signature(sign_up.appeal_id, signer.digest, link_key)
    return {name: getattr(sign_up, name) for name in _COPIED} | {
        "country": signer.country,
        "address_digest": signer.digest,
        "name_sealed": vault.seal_name(signer.name, place, signer.slot),
        "email_sealed": vault.seal_email(signer.address, place, signer.slot),
        "state": SignatureState.CONFIRMED.value,
        "wants_updates": wishes.updates,
        "shares_name": wishes.shares_name,
        "link_key": link_key,
        # The minute is only needed until the sign-up is confirmed.
        "signed_at": hour_of(sign_up.signed_at),
        "confirmed_at": hour_of(now),
        "ended_at": None,
        # A digest of the form's digest, for another use: the sender of a form must not be able to find the signature by
        # it.
        "network_digest": vault.month_digest(sign_up.network_digest, key, "signature"),
        "domain_digest": vault.month_digest(vault.owner_digest(signer.address.domain), key, "signature"),
        "is_repeat": signer.was_counted,
    }


def _consent_columns(sign_up: SignUp, signature_id: int, wishes: ConsentChoices, now: datetime) -> dict[str, Any]:
    return {
        "signature_id": signature_id,
        "given_at": hour_of(now if wishes != ConsentChoices() else sign_up.signed_at),
        "text_language": sign_up.text_language,
        "text_version": sign_up.text_version,
        "locale": sign_up.locale,
        "wording": sign_up.wording,
        "to_appeal": True,
        "to_updates": wishes.updates,
        "to_sharing_name": wishes.shares_name,
    }


def _refuse_late(row: Any, now: datetime) -> None:
    if row.appeal_state == AppealState.STOPPED:
        raise AppealEndedError("the appeal was stopped")
    sign_up = row.SignUp
    zone = last_zone(sign_up.section_code, tuple(row.countries), row.time_zone, row.deadline)
    if not is_confirmable(row.deadline, zone, row.ended_at, signed_at=sign_up.signed_at, now=now):
        raise AppealEndedError("it is too late to confirm")


def _count_signature(dialect: str, signature_id: int, sign_up: SignUp, now: datetime) -> Iterator[Write]:
    cell = TallyCell(sign_up.appeal_id, sign_up.section_code, Channel.SIGNATURE, Evidence.VERIFIED)
    details = {
        "quantity": 1,
        "signature_id": signature_id,
        "target": 0,
        "happened_on": now.date(),
        "counted_at": hour_of(now),
    }
    yield _INSERT_ACTION, cell.as_columns() | details
    yield from counting(dialect, cell, now, 1)
