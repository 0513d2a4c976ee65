"""flask mail …: the outbox."""

from __future__ import annotations

from functools import partial

import click
from flask.cli import AppGroup

from campaign.cli.refusal import refusals
from campaign.domain.signing.address import parse_address
from campaign.domain.staff.actor import OPERATOR
from campaign.mail.smtp.transport import open_transport
from campaign.platform.runtime import runtime
from campaign.services.delivery.dispatcher import deliver_due
from campaign.services.outbox.suppression import lift_suppression

mail = AppGroup("mail", help="The mail that is owed.")


@mail.command()
def deliver() -> None:
    """Deliver all that is due, then exit."""
    with refusals():
        at = runtime()
        outcomes = deliver_due(partial(open_transport, at.settings.mail_url), context=at.context(OPERATOR))
    click.echo(", ".join(f"{number} {name}" for name, number in sorted(outcomes.items())) or "nothing was due")


@mail.command()
@click.argument("address")
def lift(address: str) -> None:
    """Write to a suppressed ADDRESS again, for instance after its server's fault."""
    with refusals():
        was_suppressed = lift_suppression(parse_address(address), context=runtime().context(OPERATOR))
    click.echo("it is written to again" if was_suppressed else "it was not suppressed")
