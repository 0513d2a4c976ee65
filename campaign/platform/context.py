"""The context of a change: the actor, the moment, the keys and the settings. Every service that writes requires one."""

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
    """The keys in use: `vault` encrypts personal data, `tokens` signs mailed links."""

    vault: Vault
    tokens: Tokens


@dataclass(frozen=True, slots=True)
class Context:
    """The actor, the moment (UTC), the keys and the settings of a change.

    Never optional: leaving the actor out is a type error, not a check that is skipped.
    """

    actor: Actor
    now: datetime
    keys: Keys
    settings: Settings

    @property
    def vault(self) -> Vault:
        """Return the keys that encrypt personal data."""
        return self.keys.vault

    @property
    def mail_domain(self) -> str:
        """Return the domain of the sender's address, which Message-IDs end in."""
        return self.settings.mail_domain

    @property
    def return_paths(self) -> ReturnPaths:
        """Return the maker of the signed addresses to which bounces are sent."""
        return ReturnPaths(self.settings.secret_key, self.settings.bounce_domain)
