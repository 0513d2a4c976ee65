"""flask mail …: the group of commands, delivering due mail, and lifting a suppression."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from campaign.cli.refusal import exit_on_refusal
from campaign.domain.signing.address import parse_address
from campaign.domain.staff.actor import OPERATOR
from campaign.platform.runtime import runtime
from campaign.services.delivery.dispatcher import deliver_due
from campaign.services.outbox.suppression import lift_suppression

mail = AppGroup("mail", help="The outbox, bounces and previews of messages.")


@mail.command()
def deliver() -> None:
    """Deliver all mail that is due, then exit."""
    with exit_on_refusal():
        outcomes = deliver_due(context=runtime().context(OPERATOR))
    click.echo(", ".join(f"{number} {name}" for name, number in sorted(outcomes.items())) or "nothing was due")


@mail.command()
@click.argument("address")
def lift(address: str) -> None:
    """Lift the suppression of ADDRESS, for instance after a fault of its server, so that it gets mail again."""
    with exit_on_refusal():
        was_suppressed = lift_suppression(parse_address(address), context=runtime().context(OPERATOR))
    click.echo("the address gets mail again" if was_suppressed else "the address was not suppressed")
