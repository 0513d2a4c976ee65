"""Signing an appeal: one transaction writes the signature, the consent record and the mail we owe."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from campaign.domain.address import Address
from campaign.domain.challenge import Solved
from campaign.domain.cipher import Vault
from campaign.domain.funnel import Standing
from campaign.domain.outbox import MailKind
from campaign.domain.place import at_signature
from campaign.domain.signature import CONSENT_WORDING, SignatureState
from campaign.services.outbox import Owed, row_of
from campaign.services.sign_writes import write_sign_up
from campaign.services.transaction import one_statement


@dataclass(frozen=True, slots=True)
class SignUp:
    """A checked sign-up. The language and version name the appeal text that was on the page.

    `network_digest` tells where it came from, `flag` why it looks like part of a flood, `solved` what let it in.
    """

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
    network_digest: bytes | None = None
    flag: str | None = None
    solved: Solved | None = None
    shares_name: bool = False


def sign(sign_up: SignUp, *, now: datetime, vault: Vault, mail_domain: str) -> None:
    """Keeps the signature as pending and owes its address a mail. Raises SpentError; then nothing is kept.

    New, pending or withdrawn: the mail asks to confirm what was just signed. Confirmed: it says so and brings the
    link. Invalidated or flagged: a mail is written down that never leaves. The caller learns none of this, and every
    case takes the same statements, so that neither the answer nor its time can tell who has signed.
    """
    values = _values(sign_up, now=now, vault=vault, mail_domain=mail_domain)
    with one_statement() as connection:
        write_sign_up(connection, values)


def write(connection: Connection, sign_up: SignUp, *, now: datetime, vault: Vault, mail_domain: str) -> None:
    """What `sign` does, in the transaction of `connection`."""
    write_sign_up(connection, _values(sign_up, now=now, vault=vault, mail_domain=mail_domain))


def _values(sign_up: SignUp, *, now: datetime, vault: Vault, mail_domain: str) -> dict[str, dict[str, Any]]:
    """The rows by part, as `write_sign_up` wants them; made before the transaction, which others wait for."""
    domain_digest = vault.domain_digest(sign_up.address)
    owed = Owed(
        kind=MailKind.CONFIRMATION,
        signature_id=0,  # which is not known yet
        mailbox_digest=vault.mailbox_digest(sign_up.address),
        domain_digest=domain_digest,
        locale=sign_up.locale,
        text_language=sign_up.text_language,
        text_version=sign_up.text_version,
        unwanted=f"flagged: {sign_up.flag}" if sign_up.flag else None,
    )
    values = {
        "signature": _signature(sign_up, now, vault, domain_digest),
        "consent": _consent(sign_up, now),
        "mail": row_of(owed, now=now, domain=mail_domain),
        "step": {
            "appeal_id": sign_up.appeal_id,
            "section_code": sign_up.section_code,
            "day": now.date(),
            "provider": vault.provider(domain_digest),
            "source": sign_up.via,
        },
    }
    if sign_up.solved is not None:
        values["spent"] = {"digest": sign_up.solved.digest, "expires_at": sign_up.solved.expires_at}
    return values


def _signature(sign_up: SignUp, now: datetime, vault: Vault, domain_digest: bytes) -> dict[str, Any]:
    digest = vault.address_digest(sign_up.appeal_id, sign_up.address)
    place = at_signature(sign_up.appeal_id, digest)
    return {
        "appeal_id": sign_up.appeal_id,
        "section_code": sign_up.section_code,
        "country": sign_up.country,
        "state": SignatureState.PENDING.value,
        "address_digest": digest,
        "name_sealed": vault.seal_name(sign_up.name, place),
        "email_sealed": vault.seal_email(sign_up.address, place),
        "locale": sign_up.locale,
        "wants_updates": sign_up.wants_updates,
        "shares_name": sign_up.shares_name,
        "via": sign_up.via,
        "signed_at": now,
        "confirmed_at": None,
        "ended_at": None,
        "flag": sign_up.flag,
        "standing": Standing.NOT_FOLLOWED if sign_up.flag else Standing.FRESH,
        "network_digest": sign_up.network_digest,
        "domain_digest": domain_digest,
        "name_digest": vault.name_digest(sign_up.name),
        "is_repeat": False,
    }


def _consent(sign_up: SignUp, now: datetime) -> dict[str, Any]:
    return {
        "given_at": now,
        "text_language": sign_up.text_language,
        "text_version": sign_up.text_version,
        "locale": sign_up.locale,
        "wording": CONSENT_WORDING,
        "to_appeal": True,
        "to_updates": sign_up.wants_updates,
        "to_sharing_name": sign_up.shares_name,
    }
