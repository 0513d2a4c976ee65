"""Corrections of a signer's name and country, by the signer or by staff on their behalf."""

from __future__ import annotations

from sqlalchemy import select, update

from campaign.models import Action
from campaign.models.privacy.sealed_columns import place_of
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.services.counting.tally import TallyCell, count
from campaign.services.handover.handover import outdate
from campaign.services.signing.signature import lock_signature


def correct_name(signature_id: int, name: str, *, context: Context) -> None:
    """Store the cleaned name (`clean_name`) for the signature, and mark lists with the old name as outdated.

    Repeating it changes nothing. Raises NotFoundError where the signature was erased.
    """
    vault = context.vault
    with transaction() as session:
        signature = lock_signature(session, signature_id)
        slot = vault.slot(signature.name_sealed)
        signature.name_sealed = vault.seal_name(name, place_of(signature), slot)
        if signature.shares_name:
            outdate(session, signature.appeal_id, signature.section_code, vault=vault, on=context.now.date())


def change_country(signature_id: int, *, country: str, section_code: str, context: Context) -> None:
    """Set the signature's country, and move its actions to the counts of `section_code`.

    The total over all sections does not change. Repeating it changes nothing. Raises NotFoundError.
    """
    with transaction() as session:
        signature = lock_signature(session, signature_id)
        if signature.shares_name and signature.section_code != section_code:
            outdate(session, signature.appeal_id, signature.section_code, vault=context.vault, on=context.now.date())
        signature.country = country
        signature.section_code = section_code
        connection = session.connection()
        actions = connection.execute(
            select(
                Action.appeal_id,
                Action.section_code,
                Action.channel,
                Action.evidence,
                Action.counted_at,
                Action.quantity,
            ).where(Action.signature_id == signature_id, Action.section_code != section_code)
        ).all()
        for appeal_id, old_section, channel, evidence, counted_at, quantity in actions:
            count(connection, TallyCell(appeal_id, old_section, channel, evidence), counted_at, -quantity)
            count(connection, TallyCell(appeal_id, section_code, channel, evidence), counted_at, quantity, is_past=True)
        connection.execute(update(Action).where(Action.signature_id == signature_id).values(section_code=section_code))
