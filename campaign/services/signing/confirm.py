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

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import bindparam, exists, literal_column, null, select
from sqlalchemy.orm import Session

from campaign.domain.appeals.appeal import AppealState, is_confirmable
from campaign.domain.appeals.last_time_zone import last_zone
from campaign.domain.errors import (
    AppealEndedError,
    InvalidatedError,
    NotFoundError,
    SignUpChangedError,
    StateError,
    UnknownKeyError,
)
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.address import parse_address
from campaign.domain.signing.name import name_key
from campaign.domain.signing.signature import SignatureState
from campaign.domain.signing.token import Link
from campaign.models import Appeal, RowKey, Section, Signature, SignUp, Tombstone
from campaign.models.privacy.sealed_columns import place_of
from campaign.platform.context import Context
from campaign.platform.database.locks import NO_KEY_UPDATE
from campaign.platform.database.transaction import transaction
from campaign.queries.signing.sign_up import check_same_address, form_contents, origin_of
from campaign.services.counting.tally import hour_of
from campaign.services.keys.month_key import month_key
from campaign.services.keys.row_key import KeyUse, reserve
from campaign.services.signing.confirm_statement import (
    MARK_CONFIRMED,
    NO_CONSENTS,
    ConfirmedSignature,
    ConsentChoices,
    FormSigner,
    store_signature,
)
from campaign.services.signing.signature import lock_signature
from campaign.services.signing.withdraw import add_consents

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
_SIGNED_ID = select(Signature.id).where(Signature.address_digest == bindparam("signed")).scalar_subquery()
_HAS_TOMBSTONE = exists().where(
    Tombstone.appeal_id == bindparam("appeal"), Tombstone.address_digest == bindparam("erased")
)
_HAS_KEY = exists().where(RowKey.id == bindparam("batch"))
# What the address has done on this appeal before, looked up once the address is decrypted.
_FIND_EARLIER = {
    dialect: select(
        _SIGNED_ID.label("signed_id"),
        _HAS_TOMBSTONE.label("was_counted"),
        _HAS_KEY.label("has_key"),
        number.label("number"),
    )
    for dialect, number in _NEXT_ID.items()
}


@dataclass(frozen=True, slots=True)
class ShownSignUp:
    """A sign-up as a page showed it."""

    sign_up_id: int
    content_digest: bytes


def confirm(
    link: Link,
    wishes: ConsentChoices = NO_CONSENTS,
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
    if newest.SignUp.signature_id is None and form_contents(newest.SignUp, vault) != form_contents(sign_up, vault):
        raise SignUpChangedError("a newer form waits, which says something else")
    return newest


def _confirm(session: Session, row: Any, wishes: ConsentChoices, context: Context) -> ConfirmedSignature:
    now, vault = context.now, context.vault
    sign_up = row.SignUp
    if sign_up.signature_id is not None:
        confirmed = lock_signature(session, sign_up.signature_id)
        check_same_address(sign_up, confirmed, vault)
        if confirmed.state != SignatureState.CONFIRMED:
            raise _state_error(confirmed.state)
        return replace(
            _confirm_existing(session, sign_up, confirmed, wishes, now), at=confirmed.confirmed_at or now, is_used=True
        )
    signer = _read_signer(session, sign_up, vault)
    signature = _lock_earlier(session, signer)
    if (
        signature is not None
        and signature.state == SignatureState.CONFIRMED
        and _has_other_name(signature, signer, vault)
    ):
        # Two people who share a mailbox may both sign; the mail asked whether this is the case.
        digest = vault.second_digest(signer.digest)
        signer = _with_earlier_rows(session, sign_up, replace(signer, digest=digest), vault)
        signature = _lock_earlier(session, signer)
    if signature is not None and signature.state == SignatureState.CONFIRMED:
        return _confirm_existing(session, sign_up, signature, wishes, now)
    if signature is not None and signature.state != SignatureState.WITHDRAWN:
        raise _state_error(signature.state)
    _check_in_time(row, now)
    return store_signature(session.connection(), sign_up, signer, wishes, context)


def _read_signer(session: Session, sign_up: SignUp, vault: Vault) -> FormSigner:
    if sign_up.name_sealed is None or sign_up.email_sealed is None:
        raise NotFoundError("this sign-up has been erased")
    place = place_of(sign_up)
    address = parse_address(vault.open_email(sign_up.email_sealed, place))
    digest = vault.address_digest(sign_up.appeal_id, address)
    name, (country, via) = vault.open_name(sign_up.name_sealed, place), origin_of(sign_up, vault)
    signer = FormSigner(name, address, digest, country, via, vault.row_keys.take(KeyUse.SIGNED))
    return _with_earlier_rows(session, sign_up, signer, vault)


def _with_earlier_rows(session: Session, sign_up: SignUp, signer: FormSigner, vault: Vault) -> FormSigner:
    erased = vault.tombstone_digest(signer.digest)
    parameters = {"signed": signer.digest, "appeal": sign_up.appeal_id, "erased": erased, "batch": signer.slot.batch}
    earlier = session.execute(_FIND_EARLIER[session.connection().dialect.name], parameters).one()
    if not earlier.has_key:
        raise UnknownKeyError
    return replace(signer, signed_id=earlier.signed_id, was_counted=earlier.was_counted, number=earlier.number)


def _state_error(state: str) -> StateError:
    kind = InvalidatedError if state == SignatureState.INVALIDATED else StateError
    return kind(f"the signature is {state}")


def _lock_earlier(session: Session, signer: FormSigner) -> Signature | None:
    return None if signer.signed_id is None else lock_signature(session, signer.signed_id)


def _has_other_name(signature: Signature, signer: FormSigner, vault: Vault) -> bool:
    if signature.name_sealed is None:
        return False
    return name_key(vault.open_name(signature.name_sealed, place_of(signature))) != name_key(signer.name)


def _confirm_existing(
    session: Session, sign_up: SignUp, signature: Signature, wishes: ConsentChoices, now: datetime
) -> ConfirmedSignature:
    if sign_up.name_sealed is not None:
        session.execute(MARK_CONFIRMED, {"done": sign_up.id, "signed": signature.id})
    add_consents(session, signature, now, updates=wishes.updates, shares_name=wishes.shares_name)
    return ConfirmedSignature(signature.id, signature.link_key or b"", hour_of(now))


def _check_in_time(row: Any, now: datetime) -> None:
    if row.appeal_state == AppealState.STOPPED:
        raise AppealEndedError("the appeal was stopped")
    sign_up = row.SignUp
    zone = last_zone(sign_up.section_code, tuple(row.countries), row.time_zone, row.deadline)
    if not is_confirmable(row.deadline, zone, row.ended_at, signed_at=sign_up.signed_at, now=now):
        raise AppealEndedError("it is too late to confirm")
