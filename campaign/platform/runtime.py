"""What an application carries with it besides its extensions: settings, keys and clock, put there by the factory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from flask import current_app

from campaign.config import Settings
from campaign.domain.delivery.return_path import ReturnPaths
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.token import Tokens
from campaign.domain.staff.actor import Actor
from campaign.platform.context import Context, Keys

KEY = "tocsin"


@dataclass(frozen=True, slots=True)
class Runtime:
    """One application's settings, its keys at work, and its clock, which only web, cli and tasks read."""

    settings: Settings
    vault: Vault
    tokens: Tokens
    clock: Callable[[], datetime]

    def context(self, actor: Actor, *, now: datetime | None = None) -> Context:
        """Return the context of a change that the actor makes: now, or at the moment `now` of another clock."""
        return Context(actor, now or self.clock(), Keys(self.vault, self.tokens), self.settings)

    @property
    def mail_domain(self) -> str:
        """The domain of Message-IDs: that of the sender."""
        return self.settings.mail_domain

    @property
    def return_paths(self) -> ReturnPaths:
        """The signed addresses to which mail comes back."""
        return ReturnPaths(self.settings.secret_key, self.settings.bounce_domain)


def runtime() -> Runtime:
    """The runtime of the application at hand."""
    return cast(Runtime, current_app.extensions[KEY])
