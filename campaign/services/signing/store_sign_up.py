"""The storing of a sign-up: one transaction writes the form and the mail to its mailbox.

The rules are in `sign_appeal`, the SQL in `sign_statement`.
"""

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
from campaign.platform.database.transaction import single_statement
from campaign.queries.signing.sign_up import address_fingerprint
from campaign.services.keys.month_key import month_key, month_of
from campaign.services.keys.row_key import KeyUse, reserve
from campaign.services.outbox.enqueue import NewMail, mail_columns
from campaign.services.signing.sign_statement import write_sign_up

# Ids are positive in 64 bits, on both databases. With millions of ids a collision is very unlikely. It would refuse the
# second form.
_ID_BITS = 62
# The number of digests to try for a superseded form. Where all are in use, the form gets a random digest. Then erasing
# its address does not find it; it is deleted when it expires.
_DIGEST_ATTEMPTS = 6


@dataclass(frozen=True, slots=True)
class SignUpRequest:
    """A checked sign-up. The language and version name the appeal text that was on the page.

    `network_digest` is the digest of the network that sent it. `flag` is the reason why it looks like part of a flood.
    `solved` is the solution of the human check that admitted it.
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
    """Store the sign-up, to be confirmed by its mailbox, and enqueue the mail to it.

    `sign_appeal` has checked the sign-up. Raises SpentSolutionError; then nothing is stored.

    Earlier acts of the mailbox are not looked up here. The worker looks them up when the mail leaves, and chooses its
    text; the module `confirm` has a table of the cases. So every case runs the same
    statements: neither the response, nor its duration, nor a staff page shows whether the address has signed.
    """
    reserve_keys(context=context)
    try:
        _sign(sign_up, context)
    except UnknownKeyError:
        # The database was restored to an earlier state, without the keys that this process reserved for its rows.
        context.vault.row_keys.drop_batches()
        month_key(context.vault, now=context.now, is_set_back=True)
        reserve_keys(context=context)
        _sign(sign_up, context)


def reserve_keys(*, number: int = 1, context: Context) -> None:
    """Reserve the keys that seal `number` sign-ups. Call it outside a transaction."""
    reserve(context.vault, KeyUse.WAITING, number, now=context.now)
    month_key(context.vault, now=context.now)


def _sign(sign_up: SignUpRequest, context: Context) -> None:
    """Store the sign-up. Raises ConcurrentSignUpError where a form of the same address arrives at the same moment."""
    values = _rows(sign_up, context)
    for digest in _free_digests(sign_up, context.vault):
        with suppress(ConcurrentSignUpError), single_statement() as connection:
            return write_sign_up(connection, _with_digest(values, digest))
    raise ConcurrentSignUpError


def store_sign_up(connection: Connection, sign_up: SignUpRequest, *, context: Context) -> None:
    """Store the sign-up as `sign` does, in the transaction of `connection`. Call `reserve_keys` before."""
    values = _rows(sign_up, context)
    for digest in _free_digests(sign_up, context.vault):
        with suppress(ConcurrentSignUpError), connection.begin_nested():
            return write_sign_up(connection, _with_digest(values, digest))
    raise ConcurrentSignUpError


def _with_digest(values: dict[str, dict[str, Any]], superseded: bytes) -> dict[str, dict[str, Any]]:
    """Return the rows with the digest `superseded`, which replaces the digest of an earlier form of the address.

    A form that looks like part of a flood gets this digest itself. So it never supersedes another form.
    """
    form = values["sign_up"]
    digest = form["address_digest"] if form["flag"] is None else superseded
    return {**values, "sign_up": {**form, "address_digest": digest}, "superseded": {"digest": superseded}}


def _rows(sign_up: SignUpRequest, context: Context) -> dict[str, dict[str, Any]]:
    """Return the rows for `write_sign_up`. They are made before the transaction, to keep the transaction short."""
    now, vault = context.now, context.vault
    domain_digest = vault.domain_digest(sign_up.address)
    new_mail = NewMail(
        kind=MailKind.CONFIRMATION,
        signature_id=None,
        domain_digest=domain_digest,
        locale=sign_up.locale,
        text_language=sign_up.text_language,
        text_version=sign_up.text_version,
        ineligible_reason=f"flagged: {sign_up.flag}" if sign_up.flag else None,
    )
    values = {
        "sign_up": _sign_up_columns(sign_up, now, vault, domain_digest),
        "mail": mail_columns(new_mail, now=now, domain=context.mail_domain),
        "funnel": {
            "appeal_id": sign_up.appeal_id,
            "section_code": sign_up.section_code,
            "day": now.date(),
            "provider": vault.provider(domain_digest),
            "source": sign_up.via,
            # Forms of a flood are not counted as sign-ups.
            "quantity": 0 if sign_up.flag else 1,
        },
    }
    if sign_up.solved is not None:
        values["spent"] = {"digest": sign_up.solved.digest, "expires_at": sign_up.solved.expires_at}
    return values


def _sign_up_columns(sign_up: SignUpRequest, now: datetime, vault: Vault, domain_digest: bytes) -> dict[str, Any]:
    """Return the columns of the form, with its values sealed under a reserved key."""
    digest = vault.waiting_digest(vault.address_digest(sign_up.appeal_id, sign_up.address))
    link_key = new_link_key()
    shown = sign_up.name, sign_up.country, sign_up.locale, sign_up.text_language, str(sign_up.text_version)
    content = vault.content_digest(link_key, sign_up.appeal_id, sign_up.address, *shown)
    place = at_sign_up(sign_up.appeal_id, content, link_key)
    slot, key = vault.row_keys.take_key(KeyUse.WAITING), vault.month_keys[month_of(now)]
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
        "origin_sealed": vault.seal_origin(
            json.dumps([sign_up.country, sign_up.via, address_fingerprint(digest)]), place, slot
        ),
        "locale": sign_up.locale,
        "text_language": sign_up.text_language,
        "text_version": sign_up.text_version,
        "wording": CONSENT_WORDING,
        "flag": sign_up.flag,
        "network_digest": vault.month_digest(sign_up.network_digest, key, "sign-up"),
        "domain_digest": vault.month_digest(domain_digest, key, "sign-up"),
        "signed_at": now,
    }


def _free_digests(sign_up: SignUpRequest, vault: Vault) -> Iterator[bytes]:
    """Yield digests to try for a superseded form, or for one that looks like part of a flood; the last is random."""
    digest = vault.waiting_digest(vault.address_digest(sign_up.appeal_id, sign_up.address))
    for _ in range(_DIGEST_ATTEMPTS):
        yield vault.superseded_digest(digest, secrets.randbelow(SUPERSEDED_DIGESTS))
    yield secrets.token_bytes(len(digest))
