"""The correction of a signer's name, as it is printed and handed over."""

from __future__ import annotations

from campaign.models.privacy.sealed_columns import place_of
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.services.handover.handover import outdate
from campaign.services.signing.signature import locked


def correct_name(signature_id: int, name: str, *, context: Context) -> None:
    """Store the name, already cleaned (`clean_name`), for the signature; delete lists with the old name as outdated.

    Repeating it changes nothing. Raises NotFoundError where the signature has been erased.
    """
    vault = context.vault
    with transaction() as session:
        signature = locked(session, signature_id)
        slot = None if signature.name_sealed is None else vault.slot(signature.name_sealed)
        signature.name_sealed = vault.seal_name(name, place_of(signature), slot)
        if signature.shares_name:
            outdate(session, signature.appeal_id, signature.section_code, vault=vault, on=context.now.date())
