"""Signing an appeal: one transaction writes the sign-up and the mail we owe."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from campaign.domain.abuse.challenge import SolvedChallenge
from campaign.domain.errors import ConcurrentSignUpError, UnknownKeyError
from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.privacy.cipher import SUPERSEDED_DIGESTS, Vault
from campaign.domain.privacy.sealed_place import at_sign_up
from campaign.domain.signing.address import Address
from campaign.domain.signing.signature import CONSENT_WORDING
from campaign.domain.signing.token import new_link_key
from campaign.platform.context import Context
from campaign.platform.database.transaction import one_statement
from campaign.queries.signing.sign_up import whose
from campaign.services.keys.month_key import month_key, month_of
from campaign.services.keys.row_key import KeyUse, reserve
from campaign.services.outbox.enqueue import OwedMail, row_of
from campaign.services.signing.sign_statement import write_sign_up

# Positive in 64 bits, on both databases; two of millions hardly ever meet, and then the second form is refused.
_ID_BITS = 62
# Where all lots seem to be taken, no lot: then an earlier form is not found again to be erased, and ends with its days.
_LOTS = 6


@dataclass(frozen=True, slots=True)
class SignUpRequest:
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
    via: str | None
    network_digest: bytes | None = None
    flag: str | None = None
    solved: SolvedChallenge | None = None


def sign(sign_up: SignUpRequest, *, context: Context) -> None:
    """Store the sign-up, to wait for its mailbox, and owe the mailbox a mail; `sign_appeal` has decided that it may.

    Raises SpentSolutionError; then nothing is kept.

    What the mailbox has done before is not looked at: the worker decides what the mail says when it leaves. So every
    case takes the same statements, and neither the answer nor its time, nor anything staff see, tells who has signed.
    """
    prepare(context=context)
    try:
        _sign(sign_up, context)
    except UnknownKeyError:
        # The database was set back: it does not have the keys that this process took for its rows.
        context.vault.row_keys.drop()
        month_key(context.vault, now=context.now, is_set_back=True)
        prepare(context=context)
        _sign(sign_up, context)


def prepare(*, number: int = 1, context: Context) -> None:
    """Have the keys at hand for so many sign-ups. Outside of transactions."""
    reserve(context.vault, KeyUse.WAITING, number, now=context.now)
    month_key(context.vault, now=context.now)


def _sign(sign_up: SignUpRequest, context: Context) -> None:
    values = _values(sign_up, context)
    for lot in _lots(sign_up, context.vault):
        with suppress(ConcurrentSignUpError), one_statement() as connection:
            return write_sign_up(connection, _drawn(values, lot))
    raise ConcurrentSignUpError


def write(connection: Connection, sign_up: SignUpRequest, *, context: Context) -> None:
    """Do what `sign` does, in the transaction of `connection`, after `prepare`."""
    values = _values(sign_up, context)
    for lot in _lots(sign_up, context.vault):
        with suppress(ConcurrentSignUpError), connection.begin_nested():
            return write_sign_up(connection, _drawn(values, lot))
    raise ConcurrentSignUpError


def _drawn(values: dict[str, dict[str, Any]], lot: bytes) -> dict[str, dict[str, Any]]:
    """Return the rows with the lot: what an earlier form of the address is known by from now on.

    What looks like part of a flood has it itself, and never takes the place of what does not.
    """
    form = values["sign_up"]
    digest = form["address_digest"] if form["flag"] is None else lot
    return {**values, "sign_up": {**form, "address_digest": digest}, "superseded": {"digest": lot}}


def _values(sign_up: SignUpRequest, context: Context) -> dict[str, dict[str, Any]]:
    """Return the rows by part, as `write_sign_up` wants them; made before the transaction, which others wait for."""
    now, vault = context.now, context.vault
    domain_digest = vault.domain_digest(sign_up.address)
    owed = OwedMail(
        kind=MailKind.CONFIRMATION,
        signature_id=None,
        domain_digest=domain_digest,
        locale=sign_up.locale,
        text_language=sign_up.text_language,
        text_version=sign_up.text_version,
        ineligible_reason=f"flagged: {sign_up.flag}" if sign_up.flag else None,
    )
    values = {
        "sign_up": _waiting(sign_up, now, vault, domain_digest),
        "mail": row_of(owed, now=now, domain=context.mail_domain),
        "funnel": {
            "appeal_id": sign_up.appeal_id,
            "section_code": sign_up.section_code,
            "day": now.date(),
            "provider": vault.provider(domain_digest),
            "source": sign_up.via,
            # A flood is no sign-up of anybody.
            "quantity": 0 if sign_up.flag else 1,
        },
    }
    if sign_up.solved is not None:
        values["spent"] = {"digest": sign_up.solved.digest, "expires_at": sign_up.solved.expires_at}
    return values


def _waiting(sign_up: SignUpRequest, now: datetime, vault: Vault, domain_digest: bytes) -> dict[str, Any]:
    digest = vault.waiting_digest(vault.address_digest(sign_up.appeal_id, sign_up.address))
    link_key = new_link_key()
    shown = sign_up.name, sign_up.country, sign_up.locale, sign_up.text_language, str(sign_up.text_version)
    content = vault.content_digest(link_key, sign_up.appeal_id, sign_up.address, *shown)
    place = at_sign_up(sign_up.appeal_id, content, link_key)
    slot, key = vault.row_keys.take(KeyUse.WAITING), vault.month_keys[month_of(now)]
    return {
        "id": secrets.randbits(_ID_BITS),
        "appeal_id": sign_up.appeal_id,
        "section_code": sign_up.section_code,
        "address_digest": digest,
        "content_digest": content,
        "link_key": link_key,
        "batch": slot.batch,
        "name_sealed": vault.seal_name(sign_up.name, place, slot),
        "email_sealed": vault.seal_email(sign_up.address, place, slot),
        "origin_sealed": vault.seal_origin(json.dumps([sign_up.country, sign_up.via, whose(digest)]), place, slot),
        "locale": sign_up.locale,
        "text_language": sign_up.text_language,
        "text_version": sign_up.text_version,
        "wording": CONSENT_WORDING,
        "flag": sign_up.flag,
        "network_digest": vault.month_digest(sign_up.network_digest, key, "sign-up"),
        "domain_digest": vault.month_digest(domain_digest, key, "sign-up"),
        "signed_at": now,
    }


def _lots(sign_up: SignUpRequest, vault: Vault) -> Iterator[bytes]:
    """Yield what an earlier form, or one that looks like part of a flood, may be known by; the last is surely free."""
    digest = vault.waiting_digest(vault.address_digest(sign_up.appeal_id, sign_up.address))
    for _ in range(_LOTS):
        yield vault.superseded_digest(digest, secrets.randbelow(SUPERSEDED_DIGESTS))
    yield secrets.token_bytes(len(digest))
