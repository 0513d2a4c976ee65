"""The confirmation of a sign-up, which creates its signature and counts it.

An address may send several forms for one appeal. Each form is stored in the same way, whatever the address has done
before (`sign_statement`). Confirming a form looks up what its address has done on the appeal (`_FIND_EARLIER`), and
the result follows from this table. Each row has a test (tests/signing/rules/test_same_address.py).

| the address has, on this appeal           | confirming the form gives | adds one to the count |
| ----------------------------------------- | ------------------------- | --------------------- |
| done nothing else                         | a new signature           | yes                   |
| sent an earlier form with equal contents  | a new signature           | yes                   |
| sent a newer form with other contents     | SignUpChangedError        | no                    |
| confirmed this form already               | the existing signature    | no                    |
| confirmed this form, then withdrawn       | StateError                | no                    |
| signed under the same name                | the existing signature    | no                    |
| signed under one other name               | a second signature        | yes                   |
| signed under two other names              | the second signature      | no                    |
| signed by an earlier form, then withdrawn | the existing signature    | yes                   |
| a signature that staff have invalidated   | InvalidatedError          | no                    |
| signed and erased its data                | a new signature           | no                    |
| signed, withdrawn and erased its data     | a new signature           | yes                   |

An error changes nothing. Two people who share a mailbox may both sign, but a third one may not. An existing signature
gets the consents that are ticked now, and none of its consents is removed.
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
from campaign.services.signing.consents import add_consents
from campaign.services.signing.signature import lock_signature

# On PostgreSQL the id of a new signature is fetched beforehand, so that one statement can write all rows.
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
_SIGNATURE_ID = select(Signature.id).where(Signature.address_digest == bindparam("digest")).scalar_subquery()
_HAS_TOMBSTONE = exists().where(
    Tombstone.appeal_id == bindparam("appeal"), Tombstone.address_digest == bindparam("tombstone_digest")
)
_HAS_KEY = exists().where(RowKey.id == bindparam("batch"))
# Looks up what the address has done on this appeal: the first column of the table above.
_FIND_EARLIER = {
    dialect: select(
        _SIGNATURE_ID.label("signature_id"),
        _HAS_TOMBSTONE.label("was_counted"),
        _HAS_KEY.label("has_key"),
        new_id.label("new_id"),
    )
    for dialect, new_id in _NEXT_ID.items()
}


@dataclass(frozen=True, slots=True)
class ShownSignUp:
    """A sign-up as a page showed it."""

    sign_up_id: int
    content_digest: bytes


def confirm(
    link: Link,
    choices: ConsentChoices = NO_CONSENTS,
    *,
    other_sign_ups: Sequence[ShownSignUp] = (),
    includes_own: bool = True,
    context: Context,
) -> tuple[ConfirmedSignature, ...]:
    """Confirm and count the link's own sign-up, if `includes_own`, and `other_sign_ups`, which the page showed too.

    Returns one signature for each sign-up, the link's own first. Confirming a sign-up again changes nothing and
    succeeds. An error for one sign-up undoes all of them.

    Raises:
        NotFoundError: A sign-up was erased, or the link belongs to another sign-up.
        SignUpChangedError: A sign-up is no longer as it was shown.
        AppealEndedError: It is too late, or the appeal was stopped.
        InvalidatedError: Staff have invalidated the signature.
        StateError: The signature was withdrawn, or no sign-up was chosen.
        CipherError: A sealed value cannot be opened.
    """
    now, vault = context.now, context.vault
    confirm_all = partial(_confirm_all, link, choices, other_sign_ups, includes_own=includes_own, context=context)
    _reserve_keys(vault, len(other_sign_ups) + 1, now)
    try:
        return confirm_all()
    except UnknownKeyError:
        # The database was restored to an earlier state, without the keys that this process reserved for its rows.
        vault.row_keys.drop_batches()
        month_key(vault, now=now, is_set_back=True)
        _reserve_keys(vault, len(other_sign_ups) + 1, now)
        return confirm_all()


def _reserve_keys(vault: Vault, number: int, now: datetime) -> None:
    """Reserve the keys that seal `number` signatures."""
    reserve(vault, KeyUse.SIGNED, number, now=now)
    month_key(vault, now=now)


def _confirm_all(
    link: Link,
    choices: ConsentChoices,
    other_sign_ups: Sequence[ShownSignUp],
    *,
    includes_own: bool,
    context: Context,
) -> tuple[ConfirmedSignature, ...]:
    """Confirm the sign-ups in one transaction. The arguments, the result and the errors are those of `confirm`."""
    vault = context.vault
    with transaction() as session:
        linked = _sign_up_row(session, link.row_id)
        if not link.opens(linked.SignUp.link_key):
            raise NotFoundError("this sign-up is another's")
        confirmed = []
        if includes_own:
            if not link.shows(linked.SignUp.link_key, linked.SignUp.content_digest):
                raise SignUpChangedError("the sign-up is no longer what the link showed")
            confirmed.append(_confirm(session, _newest_form(session, linked, vault), choices, context))
        for shown in sorted(other_sign_ups, key=lambda shown: shown.sign_up_id):
            row = _sign_up_row(session, shown.sign_up_id)
            if row.SignUp.content_digest != shown.content_digest:
                raise SignUpChangedError("the sign-up is no longer what the page showed")
            confirmed.append(_confirm(session, _newest_form(session, row, vault), choices, context))
        if not confirmed:
            raise StateError("nothing was chosen")
        return tuple(confirmed)


def _sign_up_row(session: Session, sign_up_id: int) -> Any:
    """Return the locked sign-up with its appeal and section. Raises NotFoundError where it was erased."""
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
        raise SignUpChangedError("a newer form with other contents waits")
    return newest


def _confirm(session: Session, row: Any, choices: ConsentChoices, context: Context) -> ConfirmedSignature:
    """Confirm one sign-up by the rules of the table in the module's docstring; return its signature."""
    now, vault = context.now, context.vault
    sign_up = row.SignUp
    if sign_up.signature_id is not None:
        confirmed = lock_signature(session, sign_up.signature_id)
        check_same_address(sign_up, confirmed, vault)
        if confirmed.state != SignatureState.CONFIRMED:
            raise _state_error(confirmed.state)
        return replace(
            _confirm_existing(session, sign_up, confirmed, choices, now),
            confirmed_at=confirmed.confirmed_at or now,
            was_confirmed_before=True,
        )
    signer = _read_signer(session, sign_up, vault)
    signature = _lock_earlier(session, signer)
    if (
        signature is not None
        and signature.state == SignatureState.CONFIRMED
        and _has_other_name(signature, signer, vault)
    ):
        # Two people who share a mailbox may both sign. The mail has asked whether this is the case.
        digest = vault.second_digest(signer.digest)
        signer = _with_earlier_rows(session, sign_up, replace(signer, digest=digest), vault)
        signature = _lock_earlier(session, signer)
    if signature is not None and signature.state == SignatureState.CONFIRMED:
        return _confirm_existing(session, sign_up, signature, choices, now)
    if signature is not None and signature.state != SignatureState.WITHDRAWN:
        raise _state_error(signature.state)
    _check_in_time(row, now)
    return store_signature(session.connection(), sign_up, signer, choices, context)


def _read_signer(session: Session, sign_up: SignUp, vault: Vault) -> FormSigner:
    """Return the decrypted signer of the form, with the rows of the address on this appeal.

    Raises NotFoundError where the form was erased.
    """
    if sign_up.name_sealed is None or sign_up.email_sealed is None:
        raise NotFoundError("this sign-up has been erased")
    place = place_of(sign_up)
    address = parse_address(vault.open_email(sign_up.email_sealed, place))
    digest = vault.address_digest(sign_up.appeal_id, address)
    name, (country, via) = vault.open_name(sign_up.name_sealed, place), origin_of(sign_up, vault)
    signer = FormSigner(name, address, digest, country, via, vault.row_keys.take_key(KeyUse.SIGNED))
    return _with_earlier_rows(session, sign_up, signer, vault)


def _with_earlier_rows(session: Session, sign_up: SignUp, signer: FormSigner, vault: Vault) -> FormSigner:
    """Return the signer with the signature and the tombstone of `signer.digest`, and with a new signature's id.

    Raises UnknownKeyError where the database does not have the reserved keys.
    """
    parameters = {
        "digest": signer.digest,
        "appeal": sign_up.appeal_id,
        "tombstone_digest": vault.tombstone_digest(signer.digest),
        "batch": signer.slot.batch,
    }
    earlier = session.execute(_FIND_EARLIER[session.connection().dialect.name], parameters).one()
    if not earlier.has_key:
        raise UnknownKeyError
    return replace(signer, signature_id=earlier.signature_id, was_counted=earlier.was_counted, new_id=earlier.new_id)


def _state_error(state: str) -> StateError:
    kind = InvalidatedError if state == SignatureState.INVALIDATED else StateError
    return kind(f"the signature is {state}")


def _lock_earlier(session: Session, signer: FormSigner) -> Signature | None:
    return None if signer.signature_id is None else lock_signature(session, signer.signature_id)


def _has_other_name(signature: Signature, signer: FormSigner, vault: Vault) -> bool:
    if signature.name_sealed is None:
        return False
    return name_key(vault.open_name(signature.name_sealed, place_of(signature))) != name_key(signer.name)


def _confirm_existing(
    session: Session, sign_up: SignUp, signature: Signature, choices: ConsentChoices, now: datetime
) -> ConfirmedSignature:
    """Link the sign-up to the existing signature, and add the consents that were ticked."""
    if sign_up.name_sealed is not None:
        session.execute(MARK_CONFIRMED, {"confirmed": sign_up.id, "new_signature": signature.id})
    add_consents(session, signature, now, updates=choices.updates, shares_name=choices.shares_name)
    return ConfirmedSignature(signature.id, signature.link_key or b"", hour_of(now))


def _check_in_time(row: Any, now: datetime) -> None:
    """Raise AppealEndedError where the appeal was stopped, or the sign-up came or is confirmed too late."""
    if row.appeal_state == AppealState.STOPPED:
        raise AppealEndedError("the appeal was stopped")
    sign_up = row.SignUp
    zone = last_zone(sign_up.section_code, tuple(row.countries), row.time_zone, row.deadline)
    if not is_confirmable(row.deadline, zone, row.ended_at, signed_at=sign_up.signed_at, now=now):
        raise AppealEndedError("it is too late to confirm")
