"""The context of a change: who acts, when, with which keys and settings. Every service that writes takes one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from campaign.config import Settings
from campaign.domain.delivery.return_path import ReturnPaths
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.token import Tokens
from campaign.domain.staff.actor import Actor


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys at work: `vault` seals personal data, `tokens` signs mailed links."""

    vault: Vault
    tokens: Tokens


@dataclass(frozen=True, slots=True)
class Context:
    """Who acts, when (UTC), with which keys and settings. Never optional: leaving the actor out is a type error."""

    actor: Actor
    now: datetime
    keys: Keys
    settings: Settings

    @property
    def vault(self) -> Vault:
        """The keys that seal personal data."""
        return self.keys.vault

    @property
    def mail_domain(self) -> str:
        """The domain of Message-IDs: that of the sender."""
        return self.settings.mail_domain

    @property
    def return_paths(self) -> ReturnPaths:
        """The signed addresses to which mail comes back."""
        return ReturnPaths(self.settings.secret_key, self.settings.bounce_domain)
