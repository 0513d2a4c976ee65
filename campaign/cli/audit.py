"""flask audit …: the log of what staff did."""

from __future__ import annotations

import json
import sys

import click
from flask.cli import AppGroup

from campaign.cli.refusal import REFUSED, refusals
from campaign.extensions.runtime import runtime
from campaign.services.audit import verify as verify_chain

audit = AppGroup("audit", help="The log of what staff did.")


@audit.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def verify(as_json: bool) -> None:
    """Prove that no entry was changed or taken out; exit 0 only then."""
    with refusals():
        proof = verify_chain(vault=runtime().vault)
    if as_json:
        click.echo(json.dumps({"entries": proof.entries, "head": proof.head, "broken_at": proof.broken_at}))
    elif proof.broken_at is None:
        click.echo(f"{proof.entries} entries, unbroken; the newest is {proof.head}")
    else:
        click.echo(f"broken at entry {proof.broken_at}: it, or one before it, was changed or taken out", err=True)
    if proof.broken_at is not None:
        sys.exit(REFUSED)
