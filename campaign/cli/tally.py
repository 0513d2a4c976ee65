"""flask tally …: verifying the counts."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from flask.cli import AppGroup

from campaign.cli.refusal import exit_on_refusal
from campaign.domain.staff.actor import OPERATOR
from campaign.platform.runtime import runtime
from campaign.services.counting.verify import Difference, repair, verify

tally = AppGroup("tally", help="The stored counts.")


@tally.command("verify")
@click.option("--repair", "is_repairing", is_flag=True, help="Rebuild the tallies that differ.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def verify_(is_repairing: bool, as_json: bool) -> None:
    """Recount from the rows and print every difference; exit 0 only where there is none (left)."""
    with exit_on_refusal():
        found = repair(context=runtime().context(OPERATOR)) if is_repairing else verify()
        left = verify() if is_repairing and found else found
    if as_json:
        report = {"differences": [asdict(one) for one in found], "repaired": len(found) - len(left)}
        click.echo(json.dumps(report, default=str, indent=1))
    else:
        for one in found:
            click.echo(_told(one))
        click.echo(f"{len(found)} differences, {len(found) - len(left)} repaired" if found else "all counts are exact")
    if left:
        raise SystemExit(1)


def _told(one: Difference) -> str:
    when = f" {one.hour:%Y-%m-%d %H}h" if one.hour else ""
    cell = f"appeal {one.appeal_id} {one.section_code} {one.channel} {one.evidence}"
    return f"{one.of}: {cell}{when}: stored {one.stored}, counted {one.counted}"
