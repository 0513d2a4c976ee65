"""The rows that a confirmation writes, as SQL: one statement on PostgreSQL, one after the other on SQLite."""

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
from campaign.services.counting.funnel_counts import FunnelPassage, stage_writes
from campaign.services.counting.tally import TallyCell, count_writes, hour_of
from campaign.services.keys.month_key import month_of
from campaign.services.outbox.enqueue import NewMail, mail_write
from campaign.services.outbox.mailbox_limit import proof_write

MARK_CONFIRMED = (
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
    .where(Signature.id == bindparam("again"))
    .values({name: bindparam(f"again_{name}", type_=Signature.__table__.c[name].type) for name in _SIGNATURE_COLUMNS})
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
    """The signature that a sign-up has become, its link key, and the hour in which it was confirmed (`at`).

    `is_used` is true where the sign-up had been confirmed before.
    """

    signature_id: int
    link_key: bytes
    at: datetime
    is_used: bool = False


@dataclass(frozen=True, slots=True)
class FormSigner:
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


def store_signature(
    connection: Connection,
    sign_up: SignUp,
    signer: FormSigner,
    wishes: ConsentChoices,
    context: Context,
) -> ConfirmedSignature:
    """Store the signature of a confirmed form with all rows that come with it, or renew the one that was withdrawn."""
    now, vault = context.now, context.vault
    row = _signature_columns(sign_up, signer, wishes, now, vault)
    writes: list[Write] = []
    if signer.signed_id is not None:
        signature_id = signer.signed_id
        writes.append(
            (_RENEW_SIGNATURE, {"again": signature_id, **{f"again_{name}": row[name] for name in _SIGNATURE_COLUMNS}})
        )
    elif signer.number is None:
        signature_id = _INSERT_RETURNING_ID.run(connection, row).scalar_one()
    else:
        signature_id = signer.number
        writes.append((_INSERT_SIGNATURE, row | {"id": signature_id}))
    owed = NewMail(
        kind=MailKind.CONFIRMED,
        signature_id=signature_id,
        domain_digest=vault.domain_digest(signer.address),
        locale=sign_up.locale,
        text_language=sign_up.text_language,
        text_version=sign_up.text_version,
    )
    writes += [
        (MARK_CONFIRMED, {"done": sign_up.id, "signed": signature_id}),
        (_INSERT_CONSENT, _consent_columns(sign_up, signature_id, wishes, now)),
        mail_write(owed, now=now, domain=context.mail_domain),
        proof_write(connection.dialect.name, signer.address, now=now, vault=vault),
    ]
    if not signer.was_counted:
        writes += _count_signature(connection.dialect.name, signature_id, sign_up, now)
    if sign_up.flag is None:
        provider = vault.provider(vault.domain_digest(signer.address))
        passage = FunnelPassage(sign_up.appeal_id, sign_up.section_code, provider, signer.via, sign_up.signed_at.date())
        writes += stage_writes(connection.dialect.name, [(passage, confirmation_stage(now - sign_up.signed_at))])
    execute_combined(connection, writes)
    return ConfirmedSignature(signature_id, row["link_key"], row["confirmed_at"])


def _signature_columns(
    sign_up: SignUp, signer: FormSigner, wishes: ConsentChoices, now: datetime, vault: Vault
) -> dict[str, Any]:
    link_key, key = new_link_key(), vault.month_keys[month_of(now)]
    place = at_signature(sign_up.appeal_id, signer.digest, link_key)
    return {name: getattr(sign_up, name) for name in _COPIED_COLUMNS} | {
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
        "given_at": hour_of(now if wishes != NO_CONSENTS else sign_up.signed_at),
        "text_language": sign_up.text_language,
        "text_version": sign_up.text_version,
        "locale": sign_up.locale,
        "wording": sign_up.wording,
        "to_appeal": True,
        "to_updates": wishes.updates,
        "to_sharing_name": wishes.shares_name,
    }


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
    yield from count_writes(dialect, cell, now, 1)
