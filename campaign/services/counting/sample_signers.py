"""Invented signers for a demonstration: confirmed signatures over sections and days, and reported actions of some.

No mail is enqueued for them. All are written and counted in one transaction, so that the counts are exact.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, insert, select

from campaign.config import LOCALES
from campaign.domain.counting.action import Evidence
from campaign.domain.counting.channel import STEPS, Channel
from campaign.domain.privacy.cipher import Vault
from campaign.domain.privacy.row_key import KeySlot
from campaign.domain.privacy.sealed_place import at_signature
from campaign.domain.signing.address import parse_address
from campaign.domain.signing.signature import CONSENT_WORDING, SignatureState
from campaign.domain.signing.token import new_link_key
from campaign.models import Action, Consent, Signature
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.sections.section import SectionView
from campaign.services.counting.tally import TallyCell, count_many, hour_of
from campaign.services.keys.row_key import new_slots

_FIRST_NAMES = tuple("Alice Amina Benoît Chiara Dmitri Elif Farah Jonas Leïla Mateo Nour Zoë".split())
_LAST_NAMES = tuple("Almeida Bauer Costa Dupont Eriksen Haddad Ivanova Keller Moreau Okafor Rossi".split())
# The fractional part of the golden ratio. Those of its multiples fill an interval evenly, and equally at each run.
_GOLDEN = 0.6180339887
# One in so many signers also reports an action.
_SIGNERS_PER_REPORT = 6


@dataclass(frozen=True, slots=True)
class _Sample:
    """An invented signer: number, section and hour of signing."""

    number: int
    section: SectionView
    signed_at: datetime


def add_sample_signers(appeal: AppealView, sections: Sequence[SectionView], number: int, *, context: Context) -> None:
    """Add `number` confirmed signatures to an open appeal, dated between its opening and now.

    The first sections of the list get the most.
    """
    with transaction() as session:
        # Numbers go on from the highest id, so that no invented signer signs twice.
        first_number = session.scalar(select(func.max(Signature.id))) or 0
        signers = [
            _make_sample(index, appeal, sections, context.now) for index in range(first_number, first_number + number)
        ]
        connection = session.connection()
        slots = new_slots(connection, context.vault, number)
        quantities: Counter[tuple[TallyCell, datetime]] = Counter()
        for signer, slot in zip(signers, slots, strict=True):
            signature_id = _store_signature(connection, appeal, signer, slot, context.vault)
            for channel, evidence in _actions(signer):
                cell = TallyCell(appeal.id, signer.section.code, channel.value, evidence.value)
                values = {
                    **cell.as_columns(),
                    "quantity": 1,
                    "signature_id": signature_id,
                    "target": 0 if channel is Channel.SIGNATURE else 1,
                    "happened_on": signer.signed_at.date(),
                    "counted_at": signer.signed_at,
                }
                connection.execute(insert(Action), values)
                quantities[cell, signer.signed_at] += 1
        count_many(connection, quantities)


def _make_sample(number: int, appeal: AppealView, sections: Sequence[SectionView], now: datetime) -> _Sample:
    """Return the invented signer with that number, with a section and an hour that follow from the number."""
    opened_at = appeal.opened_at or now
    fraction = number * _GOLDEN % 1
    # Squared, so that the days and the sections that come first have the most.
    section = sections[int((number * _GOLDEN * _GOLDEN % 1) ** 2 * len(sections))]
    signed_at = opened_at + timedelta(seconds=fraction**2 * (now - opened_at).total_seconds())
    return _Sample(number, section, hour_of(signed_at))


def _actions(signer: _Sample) -> list[tuple[Channel, Evidence]]:
    """Return the signer's signature and, for some signers, a reported action."""
    actions = [(Channel.SIGNATURE, Evidence.VERIFIED)]
    if signer.number % _SIGNERS_PER_REPORT == 0:
        channels = [channel for channel, step in STEPS if not step.to_embassies]
        actions.append((channels[signer.number // _SIGNERS_PER_REPORT % len(channels)], Evidence.REPORTED))
    return actions


def _store_signature(connection: Connection, appeal: AppealView, signer: _Sample, slot: KeySlot, vault: Vault) -> int:
    """Write the signature and its consent; return the signature's id."""
    name = f"{_FIRST_NAMES[signer.number % len(_FIRST_NAMES)]} {_LAST_NAMES[signer.number % len(_LAST_NAMES)]}"
    address = parse_address(f"signer.{signer.number}@mail.example")
    digest, link_key = vault.address_digest(appeal.id, address), new_link_key()
    place = at_signature(appeal.id, digest, link_key)
    locale = next((code for code in signer.section.languages if code in LOCALES), "en")
    text = appeal.text_in(locale)
    wants_updates, shares_name = signer.number % 3 == 0, signer.number % 4 == 0
    signature = {
        "appeal_id": appeal.id,
        "section_code": signer.section.code,
        "country": signer.section.countries[0],
        "state": SignatureState.CONFIRMED.value,
        "address_digest": digest,
        "name_sealed": vault.seal_name(name, place, slot),
        "email_sealed": vault.seal_email(address, place, slot),
        "locale": locale,
        "wants_updates": wants_updates,
        "shares_name": shares_name,
        "signed_at": signer.signed_at,
        "confirmed_at": signer.signed_at,
        "link_key": link_key,
    }
    signature_id = int(connection.execute(insert(Signature).returning(Signature.id), signature).scalar_one())
    consent = {
        "signature_id": signature_id,
        "given_at": signer.signed_at,
        "text_language": text.language,
        "text_version": text.version,
        "locale": locale,
        "wording": CONSENT_WORDING,
        "to_appeal": True,
        "to_updates": wants_updates,
        "to_sharing_name": shares_name,
    }
    connection.execute(insert(Consent), consent)
    return signature_id
