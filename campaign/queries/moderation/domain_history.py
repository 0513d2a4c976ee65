"""The decrypted histories of mail domains."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, scoped_session

from campaign.domain.errors import CipherError
from campaign.domain.moderation.domain_history import DomainHistory, unpack_history
from campaign.domain.privacy.cipher import Vault
from campaign.models import MailDomain


def domain_histories(
    session: Session | scoped_session[Any], domains: Iterable[str], vault: Vault
) -> dict[str, DomainHistory]:
    """Return the histories by owner's domain, without the domains that have none or whose history is unreadable."""
    domain_by_digest = {vault.domain_history_digest(domain): domain for domain in domains}
    rows = select(MailDomain.digest, MailDomain.content).where(MailDomain.digest.in_(list(domain_by_digest)))
    histories: dict[str, DomainHistory] = {}
    for digest, content in session.execute(rows):
        try:
            history = unpack_history(vault.open_domain_history(bytes(content), bytes(digest)))
        except (CipherError, ValueError):
            continue
        histories[domain_by_digest[bytes(digest)]] = history
    return histories
