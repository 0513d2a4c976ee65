"""The decrypted records of mail domains with their confirmations, before and this week."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, scoped_session

from campaign.domain.errors import CipherError
from campaign.domain.moderation.seen_domain import SeenDomain, unpack_record
from campaign.domain.privacy.cipher import Vault
from campaign.models import MailDomain


def seen_domains(session: Session | scoped_session[Any], domains: Iterable[str], vault: Vault) -> dict[str, SeenDomain]:
    """Return the records of the owners' domains. One that cannot be decrypted is left out, like an unknown one."""
    digests = {vault.seen_domain_digest(domain): domain for domain in domains}
    chosen = select(MailDomain.digest, MailDomain.content).where(MailDomain.digest.in_(list(digests)))
    found: dict[str, SeenDomain] = {}
    for digest, content in session.execute(chosen):
        try:
            found[digests[bytes(digest)]] = unpack_record(vault.open_seen_domain(bytes(content), bytes(digest)))
        except (CipherError, ValueError):
            continue
    return found
