"""Signing an appeal: one transaction writes the signature, the consent record and the mail we owe."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from campaign.domain.address import Address
from campaign.domain.cipher import Vault
from campaign.domain.outbox import MailKind
from campaign.domain.signature import CONSENT_WORDING, SignatureState
from campaign.models import Consent, Signature
from campaign.services.outbox import Owed, enqueue
from campaign.services.transaction import transaction


@dataclass(frozen=True, slots=True)
class SignUp:
    """A checked sign-up. The language and version name the appeal text that was on the page."""

    appeal_id: int
    section_code: str
    country: str
    name: str
    address: Address
    locale: str
    text_language: str
    text_version: int
    wants_updates: bool
    via: str | None


# A new address costs one statement here; that it is new is what the statement tells.
_INSERT = {
    dialect: module.insert(Signature)
    .on_conflict_do_nothing(index_elements=["appeal_id", "address_digest"])
    .returning(Signature.id)
    for dialect, module in (("sqlite", sqlite), ("postgresql", postgresql))
}
_FIND = (
    select(Signature.id, Signature.state)
    .where(Signature.appeal_id == bindparam("appeal"), Signature.address_digest == bindparam("digest"))
    .with_for_update()
)
_SIGN_AGAIN = update(Signature).where(Signature.id == bindparam("signature"))
_CONSENT = insert(Consent)


def sign(sign_up: SignUp, *, now: datetime, vault: Vault, mail_domain: str) -> None:
    """Keeps the signature as pending and owes its address a mail.

    New, pending or withdrawn: the mail asks to confirm what was just signed. Confirmed: it says so and brings the
    link. Invalidated: nothing changes and no mail goes out. The caller learns none of this, so that no answer can
    tell who has signed.
    """
    with transaction() as session:
        connection = session.connection()
        values = _columns(sign_up, now, vault)
        signature_id = connection.execute(_INSERT[connection.dialect.name], values).scalar_one_or_none()
        kind: MailKind | None = MailKind.CONFIRMATION
        if signature_id is None:
            signature_id, kind = _sign_again(connection, values)
        if kind is MailKind.CONFIRMATION:
            connection.execute(_CONSENT, _consent(signature_id, sign_up, now))
        if kind is not None:
            enqueue(
                connection,
                Owed(
                    kind=kind,
                    signature_id=signature_id,
                    mailbox_digest=vault.mailbox_digest(sign_up.address),
                    domain_digest=vault.domain_digest(sign_up.address),
                    locale=sign_up.locale,
                    text_language=sign_up.text_language,
                    text_version=sign_up.text_version,
                ),
                now=now,
                domain=mail_domain,
            )


def _columns(sign_up: SignUp, now: datetime, vault: Vault) -> dict[str, Any]:
    return {
        "appeal_id": sign_up.appeal_id,
        "section_code": sign_up.section_code,
        "country": sign_up.country,
        "state": SignatureState.PENDING.value,
        "address_digest": vault.address_digest(sign_up.address),
        "name_sealed": vault.seal_name(sign_up.name),
        "email_sealed": vault.seal_email(sign_up.address),
        "locale": sign_up.locale,
        "wants_updates": sign_up.wants_updates,
        "via": sign_up.via,
        "signed_at": now,
    }


def _sign_again(connection: Connection, values: dict[str, Any]) -> tuple[int, MailKind | None]:
    """What the address had done before decides; what is not yet confirmed is replaced by what was just signed."""
    found = connection.execute(_FIND, {"appeal": values["appeal_id"], "digest": values["address_digest"]}).one()
    if found.state == SignatureState.CONFIRMED:
        return found.id, MailKind.ALREADY_SIGNED
    if found.state == SignatureState.INVALIDATED:
        return found.id, None
    connection.execute(_SIGN_AGAIN, values | {"signature": found.id, "confirmed_at": None, "ended_at": None})
    return found.id, MailKind.CONFIRMATION


def _consent(signature_id: int, sign_up: SignUp, now: datetime) -> dict[str, Any]:
    return {
        "signature_id": signature_id,
        "given_at": now,
        "text_language": sign_up.text_language,
        "text_version": sign_up.text_version,
        "locale": sign_up.locale,
        "wording": CONSENT_WORDING,
        "to_appeal": True,
        "to_updates": sign_up.wants_updates,
    }
