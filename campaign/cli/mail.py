"""flask mail …: the outbox."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from campaign.cli.refusal import refusals
from campaign.extensions.runtime import runtime
from campaign.services.dispatch import courier_of, deliver_due

mail = AppGroup("mail", help="The mail that is owed.")


@mail.command()
def deliver() -> None:
    """Deliver all that is due, then exit."""
    with refusals():
        outcomes = deliver_due(courier_of(runtime()))
    click.echo(", ".join(f"{number} {name}" for name, number in sorted(outcomes.items())) or "nothing was due")
