"""Signing an appeal: one transaction writes the signature, the consent record and the mail we owe."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, case, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from campaign.domain.address import Address
from campaign.domain.challenge import Solved
from campaign.domain.cipher import Vault
from campaign.domain.errors import SpentError
from campaign.domain.funnel import Standing, Step
from campaign.domain.outbox import MailKind
from campaign.domain.signature import CONSENT_WORDING, SignatureState
from campaign.models import Consent, Signature, SpentSolution
from campaign.services.outbox import Owed, enqueue
from campaign.services.steps import Passage, count_steps
from campaign.services.transaction import transaction


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


# What a sign-up replaces where its address has signed this appeal before; never that of a settled signature.
_REPLACED = (
    "section_code",
    "country",
    "state",
    "name_sealed",
    "email_sealed",
    "locale",
    "wants_updates",
    "shares_name",
    "via",
    "signed_at",
    "confirmed_at",
    "ended_at",
    "flag",
    "network_digest",
    "domain_digest",
    "name_digest",
)
_SETTLED = (SignatureState.CONFIRMED.value, SignatureState.INVALIDATED.value)


def _upsert(module: Any) -> Any:
    """One statement for every address, whatever it has done: what it took must not tell.

    It returns the state after it (pending, unless the signature is settled), and how far it is followed.
    """
    new = module.insert(Signature)
    columns = Signature.__table__.c
    is_settled = columns["state"].in_(_SETTLED)
    changes: dict[str, Any] = {name: case((is_settled, columns[name]), else_=new.excluded[name]) for name in _REPLACED}
    # Taken back, or held for part of a flood: it is followed from the start again. Else once is enough.
    changes["standing"] = case(
        (is_settled, columns["standing"]),
        ((columns["state"] == SignatureState.WITHDRAWN.value) | columns["flag"].is_not(None), new.excluded["standing"]),
        (columns["standing"] == Standing.FRESH, Standing.SIGNED_AGAIN),
        else_=columns["standing"],
    )
    kept = new.on_conflict_do_update(index_elements=["appeal_id", "address_digest"], set_=changes)
    return kept.returning(Signature.id, Signature.state, Signature.standing)


_UPSERT = {"sqlite": _upsert(sqlite), "postgresql": _upsert(postgresql)}
_CONSENT_COLUMNS = [column.name for column in Consent.__table__.c if column.name != "id"]
# Nobody consents in the name of a signature that the mailbox has confirmed; the statement is the same all the same.
_CONSENT = insert(Consent).from_select(
    _CONSENT_COLUMNS,
    select(*(bindparam(name, type_=Consent.__table__.c[name].type) for name in _CONSENT_COLUMNS)).where(
        bindparam("is_pending", type_=Consent.__table__.c["to_appeal"].type)
    ),
)
_SPEND = {
    dialect: module.insert(SpentSolution).on_conflict_do_nothing().returning(SpentSolution.digest)
    for dialect, module in (("sqlite", sqlite), ("postgresql", postgresql))
}


def sign(sign_up: SignUp, *, now: datetime, vault: Vault, mail_domain: str) -> None:
    """Keeps the signature as pending and owes its address a mail. Raises SpentError; then nothing is kept.

    New, pending or withdrawn: the mail asks to confirm what was just signed. Confirmed: it says so and brings the
    link. Invalidated or flagged: a mail is written down that never leaves. The caller learns none of this, and every
    case takes the same statements, so that neither the answer nor its time can tell who has signed.
    """
    with transaction() as session:
        write(session.connection(), sign_up, now=now, vault=vault, mail_domain=mail_domain)


def write(connection: Connection, sign_up: SignUp, *, now: datetime, vault: Vault, mail_domain: str) -> None:
    """What `sign` does, in the transaction of `connection`."""
    dialect = connection.dialect.name
    if sign_up.solved is not None:
        spent = {"digest": sign_up.solved.digest, "expires_at": sign_up.solved.expires_at}
        if connection.execute(_SPEND[dialect], spent).first() is None:
            raise SpentError
    signature_id, state, standing = connection.execute(_UPSERT[dialect], _columns(sign_up, now, vault)).one()
    connection.execute(_CONSENT, _consent(signature_id, sign_up, now) | {"is_pending": state not in _SETTLED})
    unwanted = f"flagged: {sign_up.flag}" if sign_up.flag else None
    if state == SignatureState.INVALIDATED:
        unwanted = "the signature is invalidated"
    enqueue(
        connection,
        Owed(
            kind=MailKind.ALREADY_SIGNED if state == SignatureState.CONFIRMED else MailKind.CONFIRMATION,
            signature_id=signature_id,
            mailbox_digest=vault.mailbox_digest(sign_up.address),
            domain_digest=vault.domain_digest(sign_up.address),
            locale=sign_up.locale,
            text_language=sign_up.text_language,
            text_version=sign_up.text_version,
            unwanted=unwanted,
        ),
        now=now,
        domain=mail_domain,
    )
    is_new = state == SignatureState.PENDING and standing == Standing.FRESH
    count_steps(connection, [(_passage(sign_up, now, vault), Step.SIGNED)], int(is_new))


def _passage(sign_up: SignUp, now: datetime, vault: Vault) -> Passage:
    provider = vault.provider(vault.domain_digest(sign_up.address))
    return Passage(sign_up.appeal_id, sign_up.section_code, provider, sign_up.via, now.date())


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
        "shares_name": sign_up.shares_name,
        "via": sign_up.via,
        "signed_at": now,
        "confirmed_at": None,
        "ended_at": None,
        "flag": sign_up.flag,
        "standing": Standing.NOT_FOLLOWED if sign_up.flag else Standing.FRESH,
        "network_digest": sign_up.network_digest,
        "domain_digest": vault.domain_digest(sign_up.address),
        "name_digest": vault.name_digest(sign_up.name),
    }


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
        "to_sharing_name": sign_up.shares_name,
    }
