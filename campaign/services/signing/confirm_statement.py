"""The SQL that writes the rows of a confirmation: one statement on PostgreSQL, several on SQLite.

The module `confirm` decides which rows to write. Its docstring has a table of the cases of an address that signs again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, update

from campaign.domain.counting.action import Evidence
from campaign.domain.counting.channel import Channel
from campaign.domain.counting.funnel import confirmation_stage
from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.privacy.cipher import Vault
from campaign.domain.privacy.row_key import KeySlot
from campaign.domain.privacy.sealed_place import at_signature
from campaign.domain.signing.address import Address
from campaign.domain.signing.signature import SignatureState
from campaign.domain.signing.token import new_link_key
from campaign.models import Action, Consent, Signature, SignUp
from campaign.platform.context import Context
from campaign.platform.database.combined_statement import Write, execute_combined
from campaign.platform.database.precompiled import Precompiled
from campaign.services.counting.funnel_counts import FunnelSignUp, stage_writes
from campaign.services.counting.tally import TallyCell, count_writes, hour_of
from campaign.services.keys.month_key import month_of
from campaign.services.outbox.enqueue import NewMail, mail_write
from campaign.services.outbox.mailbox_limit import proof_write

MARK_CONFIRMED = (
    update(SignUp)
    .where(SignUp.id == bindparam("confirmed"))
    # From now on the typed values are in the signature alone.
    .values(
        signature_id=bindparam("new_signature"),
        name_sealed=None,
        email_sealed=None,
        network_digest=None,
        domain_digest=None,
        mailed_at=None,
    )
)
_INSERT_SIGNATURE, _INSERT_CONSENT, _INSERT_ACTION = insert(Signature), insert(Consent), insert(Action)
_COPIED_COLUMNS = ("appeal_id", "section_code", "locale")
_SIGNATURE_COLUMNS = (
    *(
        *_COPIED_COLUMNS,
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
    .where(Signature.id == bindparam("renewed"))
    .values({name: bindparam(f"renewed_{name}", type_=Signature.__table__.c[name].type) for name in _SIGNATURE_COLUMNS})
)
_INSERT_RETURNING_ID = Precompiled(_INSERT_SIGNATURE.returning(Signature.id), _SIGNATURE_COLUMNS)


@dataclass(frozen=True, slots=True)
class ConsentChoices:
    """The consents that the mailbox's owner ticks when confirming: to get updates, to have the name handed over."""

    updates: bool = False
    shares_name: bool = False


NO_CONSENTS = ConsentChoices()


@dataclass(frozen=True, slots=True)
class ConfirmedSignature:
    """The signature of a confirmed sign-up, its link key, and the hour of the confirmation.

    `was_confirmed_before` is true where an earlier call had confirmed the same sign-up.
    """

    signature_id: int
    link_key: bytes
    confirmed_at: datetime
    was_confirmed_before: bool = False


@dataclass(frozen=True, slots=True)
class FormSigner:
    """The decrypted signer of a form, and the rows that the address already has on this appeal.

    `signature_id` is its existing signature. `was_counted` is true where a tombstone shows that the address was counted
    and then erased. `new_id` is the id of a new signature; None on SQLite, where the insert makes it.
    """

    name: str
    address: Address
    digest: bytes
    # The form's origin: the country, and the tag of the link that led to it.
    country: str
    via: str | None
    slot: KeySlot
    signature_id: int | None = None
    was_counted: bool = False
    new_id: int | None = None


def store_signature(
    connection: Connection,
    sign_up: SignUp,
    signer: FormSigner,
    choices: ConsentChoices,
    context: Context,
) -> ConfirmedSignature:
    """Store the signature of a confirmed form, with all its rows. An existing, withdrawn signature is renewed."""
    now, vault = context.now, context.vault
    row = _signature_columns(sign_up, signer, choices, now, vault)
    writes: list[Write] = []
    if signer.signature_id is not None:
        signature_id = signer.signature_id
        writes.append(
            (
                _RENEW_SIGNATURE,
                {"renewed": signature_id, **{f"renewed_{name}": row[name] for name in _SIGNATURE_COLUMNS}},
            )
        )
    elif signer.new_id is None:
        signature_id = _INSERT_RETURNING_ID.run(connection, row).scalar_one()
    else:
        signature_id = signer.new_id
        writes.append((_INSERT_SIGNATURE, row | {"id": signature_id}))
    new_mail = NewMail(
        kind=MailKind.CONFIRMED,
        signature_id=signature_id,
        domain_digest=vault.domain_digest(signer.address),
        locale=sign_up.locale,
        text_language=sign_up.text_language,
        text_version=sign_up.text_version,
    )
    writes += [
        (MARK_CONFIRMED, {"confirmed": sign_up.id, "new_signature": signature_id}),
        (_INSERT_CONSENT, _consent_columns(sign_up, signature_id, choices, now)),
        mail_write(new_mail, now=now, domain=context.mail_domain),
        proof_write(connection.dialect.name, signer.address, now=now, vault=vault),
    ]
    if not signer.was_counted:
        writes += _count_signature(connection.dialect.name, signature_id, sign_up, now)
    if sign_up.flag is None:
        provider = vault.provider(vault.domain_digest(signer.address))
        funnel_sign_up = FunnelSignUp(
            sign_up.appeal_id, sign_up.section_code, provider, signer.via, sign_up.signed_at.date()
        )
        writes += stage_writes(connection.dialect.name, [(funnel_sign_up, confirmation_stage(now - sign_up.signed_at))])
    execute_combined(connection, writes)
    return ConfirmedSignature(signature_id, row["link_key"], row["confirmed_at"])


def _signature_columns(
    sign_up: SignUp, signer: FormSigner, choices: ConsentChoices, now: datetime, vault: Vault
) -> dict[str, Any]:
    """Return the columns of the signature, with its values sealed under the signer's reserved key."""
    link_key, key = new_link_key(), vault.month_keys[month_of(now)]
    place = at_signature(sign_up.appeal_id, signer.digest, link_key)
    return {name: getattr(sign_up, name) for name in _COPIED_COLUMNS} | {
        "country": signer.country,
        "address_digest": signer.digest,
        "name_sealed": vault.seal_name(signer.name, place, signer.slot),
        "email_sealed": vault.seal_email(signer.address, place, signer.slot),
        "state": SignatureState.CONFIRMED.value,
        "wants_updates": choices.updates,
        "shares_name": choices.shares_name,
        "link_key": link_key,
        # The minute is only needed until the sign-up is confirmed.
        "signed_at": hour_of(sign_up.signed_at),
        "confirmed_at": hour_of(now),
        "ended_at": None,
        # A digest of the form's digest: the sender of a form must not find the signature by it.
        "network_digest": vault.month_digest(sign_up.network_digest, key, "signature"),
        "domain_digest": vault.month_digest(vault.owner_digest(signer.address.domain), key, "signature"),
        "is_repeat": signer.was_counted,
    }


def _consent_columns(sign_up: SignUp, signature_id: int, choices: ConsentChoices, now: datetime) -> dict[str, Any]:
    """Return the columns of the signature's first consent, given when the form was sent or when a box was ticked."""
    return {
        "signature_id": signature_id,
        "given_at": hour_of(now if choices != NO_CONSENTS else sign_up.signed_at),
        "text_language": sign_up.text_language,
        "text_version": sign_up.text_version,
        "locale": sign_up.locale,
        "wording": sign_up.wording,
        "to_appeal": True,
        "to_updates": choices.updates,
        "to_sharing_name": choices.shares_name,
    }


def _count_signature(dialect: str, signature_id: int, sign_up: SignUp, now: datetime) -> Iterator[Write]:
    """Yield the writes that store the signature's action and count it."""
    cell = TallyCell(sign_up.appeal_id, sign_up.section_code, Channel.SIGNATURE, Evidence.VERIFIED)
    details = {
        "quantity": 1,
        "signature_id": signature_id,
        "target": 0,
        "happened_on": now.date(),
        "counted_at": hour_of(now),
    }
    yield _INSERT_ACTION, cell.as_columns() | details
    yield from count_writes(dialect, cell, now, 1)
