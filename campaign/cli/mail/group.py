"""flask mail …: the outbox."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from campaign.cli.refusal import exit_on_refusal
from campaign.domain.signing.address import parse_address
from campaign.domain.staff.actor import OPERATOR
from campaign.platform.runtime import runtime
from campaign.services.delivery.dispatcher import deliver_due
from campaign.services.outbox.suppression import lift_suppression

mail = AppGroup("mail", help="The mail that is owed.")


@mail.command()
def deliver() -> None:
    """Deliver all that is due, then exit."""
    with exit_on_refusal():
        outcomes = deliver_due(context=runtime().context(OPERATOR))
    click.echo(", ".join(f"{number} {name}" for name, number in sorted(outcomes.items())) or "nothing was due")


@mail.command()
@click.argument("address")
def lift(address: str) -> None:
    """Write to a suppressed ADDRESS again, for instance after its server's fault."""
    with exit_on_refusal():
        was_suppressed = lift_suppression(parse_address(address), context=runtime().context(OPERATOR))
    click.echo("it is written to again" if was_suppressed else "it was not suppressed")
