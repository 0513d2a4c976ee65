"""flask mail …: the outbox."""

from __future__ import annotations

import json

import click
from flask.cli import AppGroup

from campaign.cli.refusal import refusals
from campaign.extensions.runtime import runtime
from campaign.queries.mail import outbox_status
from campaign.services.dispatch import courier_of, deliver_due

mail = AppGroup("mail", help="The mail that is owed.")


@mail.command()
def deliver() -> None:
    """Deliver all that is due, then exit."""
    with refusals():
        outcomes = deliver_due(courier_of(runtime()))
    click.echo(", ".join(f"{number} {name}" for name, number in sorted(outcomes.items())) or "nothing was due")


@mail.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def status(as_json: bool) -> None:
    """Count the mails by state."""
    with refusals():
        found = outbox_status()
    if as_json:
        click.echo(json.dumps(found.by_state))
        return
    for state, number in found.by_state.items():
        click.echo(f"{state:<12}{number:>10}")
