"""flask audit …: the log of what staff did."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click
from flask.cli import AppGroup

from campaign.cli.refusal import REFUSED, exit_on_refusal
from campaign.platform.runtime import runtime
from campaign.queries.staff.audit import newest_entries
from campaign.services.staff.audit import ChainHead
from campaign.services.staff.audit import verify as verify_chain

audit = AppGroup("audit", help="The log of what staff did.")


@audit.command()
@click.option("--since", metavar="NUMBER:HASH", help="A head that an earlier run printed: it must still be in the log.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def verify(since: str | None, as_json: bool) -> None:
    """Prove that no entry was changed or removed, and print the newest; exit 0 only then."""
    with exit_on_refusal():
        noted = None if since is None else ChainHead.read(since)
        proof = verify_chain(vault=runtime().vault, noted=noted)
    if as_json:
        told = {"entries": proof.entries, "head": str(proof.head), "broken_at": proof.broken_at}
        click.echo(json.dumps(told | ({} if noted is None else {"has_since": not proof.is_noted_missing})))
    elif proof.holds:
        click.echo(f"{proof.entries} entries, unbroken; the newest is {proof.head}")
    if proof.holds:
        return
    if proof.broken_at is not None:
        click.echo(f"broken at entry {proof.broken_at}: it, or one before it, was changed or taken out", err=True)
    if proof.is_noted_missing:
        why = "it was taken out, or the database was set back to an earlier state"
        click.echo(f"entry {noted} is not in the log any more: {why}", err=True)
    sys.exit(REFUSED)


@audit.command("list")
@click.option("--number", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many entries.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def list_(number: int, as_json: bool) -> None:
    """List the newest entries: when (UTC), which kind of actor, who of the staff, which act, and on what."""
    with exit_on_refusal():
        found = newest_entries(number)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], ensure_ascii=False, indent=1, default=str))
        return
    for one in found:
        who = one.who or one.actor or "server"
        click.echo(f"{one.id:>8}  {one.at:%Y-%m-%d %H:%M:%S}  {who:<32} {one.act:<28} {one.subject}")
