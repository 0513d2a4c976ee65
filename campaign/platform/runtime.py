"""The runtime of an application: its settings, keys and clock, which the factory attaches to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from flask import current_app

from campaign.config import Settings
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.token import Tokens
from campaign.domain.staff.actor import Actor
from campaign.platform.context import Context, Keys

# The runtime's name among the extensions of an application.
RUNTIME_KEY = "tocsin"


@dataclass(frozen=True, slots=True)
class Runtime:
    """One application's settings, keys in use, and clock. Only web, cli and tasks read the clock."""

    settings: Settings
    vault: Vault
    tokens: Tokens
    clock: Callable[[], datetime]

    def context(self, actor: Actor, *, now: datetime | None = None) -> Context:
        """Return the context of a change that the actor makes at `now`; by default at the time of this clock."""
        return Context(actor, now or self.clock(), Keys(self.vault, self.tokens), self.settings)


def runtime() -> Runtime:
    """Return the runtime of the current application."""
    return cast(Runtime, current_app.extensions[RUNTIME_KEY])
