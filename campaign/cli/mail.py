"""flask mail …: the outbox."""

from __future__ import annotations

import json
from collections import Counter

import click
from flask.cli import AppGroup

from campaign.cli.refusal import refusals
from campaign.extensions.runtime import runtime
from campaign.mail.transport import open_transport
from campaign.queries.mail import outbox_status
from campaign.services.deliver import Courier, deliver_due

mail = AppGroup("mail", help="The mail that is owed.")


@mail.command()
def deliver() -> None:
    """Deliver all that is due, then exit."""
    at = runtime()
    outcomes: Counter[str] = Counter()
    with refusals(), open_transport(at.settings.mail_url) as transport:
        courier = Courier(at.settings, at.vault, at.tokens, transport)
        while batch := deliver_due(courier):
            outcomes += batch
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
