"""Sending a signer another link, because the first one expired or was lost.

Whoever asks is written down without looking whether there is anything under the address; a worker looks. So the answer
takes as long for an address that has signed as for any other.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from campaign.domain.address import Address, parse_address
from campaign.domain.appeal import AppealState
from campaign.domain.cipher import Vault
from campaign.domain.errors import CipherError
from campaign.domain.outbox import MailKind
from campaign.domain.place import at_link_request
from campaign.domain.signature import SignatureState
from campaign.models import Appeal, LinkRequest, Signature
from campaign.queries.person import digests_everywhere
from campaign.services.outbox import owe_signer
from campaign.services.transaction import transaction

_BATCH = 100
_ASKED = insert(LinkRequest)


def ask_new_links(address: Address, *, now: datetime, vault: Vault) -> None:
    """Writes down that the address wants its links; the caller learns nothing."""
    with transaction() as session:
        session.connection().execute(
            _ASKED, {"email_sealed": vault.seal_email(address, at_link_request()), "created_at": now}
        )


def answer_link_requests(*, vault: Vault, mail_domain: str) -> bool:
    """Owes their links to the next hundred who asked, and forgets that they did; whether more may wait."""
    with transaction() as session:
        asked = select(LinkRequest).order_by(LinkRequest.id).limit(_BATCH).with_for_update(skip_locked=True)
        rows = session.scalars(asked).all()
        for row in rows:
            try:
                address = parse_address(vault.open_email(row.email_sealed, at_link_request()))
                _send(session, address, now=row.created_at, vault=vault, mail_domain=mail_domain)
            except CipherError:
                continue  # an old request or an old signature, its key gone: nobody can be written to
        session.execute(delete(LinkRequest).where(LinkRequest.id.in_([row.id for row in rows])))
        return len(rows) == _BATCH


def _send(session: Session, address: Address, *, now: datetime, vault: Vault, mail_domain: str) -> None:
    """A link to confirm each signature that waits for it, else one to everything we hold under the address.

    That one page shows all its signatures, those on appeals long over too. A signature that looks like part of a flood
    gets no mail this way either.
    """
    digests = digests_everywhere(session, address, vault)
    found = session.execute(
        select(Signature, Appeal.state)
        .join(Appeal, Appeal.id == Signature.appeal_id)
        .where(Signature.address_digest.in_(digests), Signature.flag.is_(None))
        .order_by(Signature.id.desc())
    ).all()
    for signature, state in found:
        if signature.state == SignatureState.PENDING and state == AppealState.OPEN:
            owe_signer(session, MailKind.CONFIRMATION, signature, now=now, vault=vault, domain=mail_domain)
    rest = [one for one, state in found if one.state != SignatureState.PENDING or state != AppealState.OPEN]
    if rest:
        owe_signer(session, MailKind.NEW_LINK, rest[0], now=now, vault=vault, domain=mail_domain)
