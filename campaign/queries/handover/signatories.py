"""The signers of one section's confirmed signatures, decrypted one by one, for exports and lists to hand over."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import String, cast, func, select

from campaign.domain.errors import CipherError
from campaign.domain.privacy.cipher import Vault
from campaign.domain.privacy.sealed_place import at_signature
from campaign.domain.signing.signature import SignatureState
from campaign.models import AppealText, Consent, Signature
from campaign.platform import db

log = logging.getLogger(__name__)

_ROWS_PER_FETCH = 1_000
_CONFIRMED = Signature.state == SignatureState.CONFIRMED.value


@dataclass(frozen=True, slots=True)
class Signatory:
    """One signer. Name and address are empty if no data key can decrypt them."""

    id: int
    name: str
    email: str
    country: str
    locale: str
    wants_updates: bool
    shares_name: bool
    signed_at: datetime
    confirmed_at: datetime | None


def signatories(
    appeal_id: int, section_code: str, vault: Vault, *, wanting_updates: bool = False, with_email: bool = False
) -> Iterator[Signatory]:
    """Yield the confirmed signers whose data was not erased, in the order of signing.

    One statement fetches them in portions, so the session's transaction stays open until the last one.
    """
    query = select(
        Signature.id,
        Signature.name_sealed,
        Signature.email_sealed if with_email else Signature.name_sealed,
        Signature.country,
        Signature.locale,
        Signature.wants_updates,
        Signature.shares_name,
        Signature.signed_at,
        Signature.confirmed_at,
        Signature.address_digest,
        Signature.link_key,
    ).where(
        Signature.appeal_id == appeal_id,
        Signature.section_code == section_code,
        _CONFIRMED,
        Signature.name_sealed.is_not(None),
    )
    if wanting_updates:
        query = query.where(Signature.wants_updates)
    rows: Any = db.session.execute(query.order_by(Signature.id).execution_options(yield_per=_ROWS_PER_FETCH))
    unreadable = 0
    for row in rows:
        name = email = ""
        try:
            place = at_signature(appeal_id, row.address_digest, row.link_key)
            name = vault.open_name(row[1], place)
            email = vault.open_email(row[2], place) if with_email else ""
        except CipherError:
            unreadable += 1
        yield Signatory(row[0], name, email, *row[3:-2])
    if unreadable:
        log.error("%s signatures could not be opened with the data keys there are", unreadable)


def names_to_share(
    appeal_id: int, section_code: str, vault: Vault, *, after_id: int, limit: int
) -> tuple[tuple[int, str, str], ...]:
    """Return id, name and country of up to `limit` confirmed signers after `after_id` who consent to the handover."""
    rows: Any = db.session.execute(
        select(Signature.id, Signature.name_sealed, Signature.country, Signature.address_digest, Signature.link_key)
        .where(
            Signature.appeal_id == appeal_id,
            Signature.section_code == section_code,
            Signature.shares_name,
            _CONFIRMED,
            Signature.name_sealed.is_not(None),
            Signature.id > after_id,
        )
        .order_by(Signature.id)
        .limit(limit)
    )
    return tuple(
        (signature_id, vault.open_name(sealed, at_signature(appeal_id, digest, link_key)), country)
        for signature_id, sealed, country, digest, link_key in rows
    )


def signatures_by_country(appeal_id: int, section_code: str) -> dict[str, int]:
    """Return the number of the section's confirmed signatures by country, the largest first, counted from the rows."""
    number = func.count()
    rows = db.session.execute(
        select(Signature.country, number)
        .where(Signature.appeal_id == appeal_id, Signature.section_code == section_code, _CONFIRMED)
        .group_by(Signature.country)
        .order_by(number.desc(), Signature.country)
    )
    return {country: int(quantity) for country, quantity in rows}


def signatures_of_earlier_words(appeal_id: int, section_code: str) -> int:
    """Return the number of the section's confirmed signatures whose letter differs from the current one.

    Letters of one language are compared by their words, without line breaks. A signature whose version is unknown is
    counted if the letter was ever changed.
    """
    # The newest consent: one look-up by the index for each signature.
    signed_version = (
        select(Consent.text_language + ":" + cast(Consent.text_version, String))
        .where(Consent.signature_id == Signature.id)
        .order_by(Consent.id.desc())
        .limit(1)
        .scalar_subquery()
        .label("signed")
    )
    signed = db.session.execute(
        select(signed_version, func.count())
        .where(Signature.appeal_id == appeal_id, Signature.section_code == section_code, _CONFIRMED)
        .group_by(signed_version)
    ).all()
    letters: dict[str, str] = {}
    current: dict[str, str] = {}
    for text in db.session.scalars(select(AppealText).where(AppealText.appeal_id == appeal_id)):
        words = " ".join(" ".join([text.salutation or "", *text.paragraphs, text.closing or ""]).split())
        letters[f"{text.language}:{text.version}"] = words
        if text.is_current:
            current[text.language] = words
    current_versions = {name for name, words in letters.items() if words == current.get(name.partition(":")[0])}
    if current_versions == letters.keys():
        return 0
    return sum(int(quantity) for name, quantity in signed if name not in current_versions)
