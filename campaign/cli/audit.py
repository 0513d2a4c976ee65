"""flask audit …: verifying and listing the audit log."""

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

audit = AppGroup("audit", help="The audit log: the changes by staff, commands and periodic jobs.")


@audit.command()
@click.option("--since", metavar="NUMBER:HASH", help="A head that an earlier run printed: it must still be in the log.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def verify(since: str | None, as_json: bool) -> None:
    """Verify that no entry was changed or removed, and print the newest one; exit 0 only if none was."""
    with exit_on_refusal():
        noted = None if since is None else ChainHead.read(since)
        proof = verify_chain(vault=runtime().vault, noted=noted)
    if as_json:
        result = {"entries": proof.entries, "head": str(proof.head), "broken_at": proof.broken_at}
        click.echo(json.dumps(result | ({} if noted is None else {"has_since": not proof.is_noted_missing})))
    elif proof.holds:
        click.echo(f"{proof.entries} entries, unbroken; the newest is {proof.head}")
    if proof.holds:
        return
    if proof.broken_at is not None:
        click.echo(f"broken at entry {proof.broken_at}: it, or one before it, was changed or removed", err=True)
    if proof.is_noted_missing:
        reason = "it was removed, or the database was set back to an earlier state"
        click.echo(f"entry {noted} is not in the log any more: {reason}", err=True)
    sys.exit(REFUSED)


@audit.command("list")
@click.option("--number", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many entries.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def list_(number: int, as_json: bool) -> None:
    """List the newest entries: number, time (UTC), member of staff or kind of actor, act, and subject."""
    with exit_on_refusal():
        entries = newest_entries(number)
    if as_json:
        click.echo(json.dumps([asdict(entry) for entry in entries], ensure_ascii=False, indent=1, default=str))
        return
    for entry in entries:
        actor = entry.who or entry.actor or "server"
        click.echo(f"{entry.id:>8}  {entry.at:%Y-%m-%d %H:%M:%S}  {actor:<32} {entry.act:<28} {entry.subject}")
