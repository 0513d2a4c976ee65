"""flask tally …: verifying the stored counts."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click
from flask.cli import AppGroup

from campaign.cli.refusal import exit_on_refusal
from campaign.domain.staff.actor import OPERATOR
from campaign.platform.runtime import runtime
from campaign.services.counting.verify import Difference, repair, verify_counts

tally = AppGroup("tally", help="The stored counts.")


@tally.command("verify")
@click.option("--repair", "is_repairing", is_flag=True, help="Rebuild the tallies that differ.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def verify_(is_repairing: bool, as_json: bool) -> None:
    """Count the rows again and print every difference; exit 0 if all counts are exact at the end."""
    with exit_on_refusal():
        differences = repair(context=runtime().context(OPERATOR)) if is_repairing else verify_counts()
        remaining = verify_counts() if is_repairing and differences else differences
    repaired = len(differences) - len(remaining)
    if as_json:
        report = {"differences": [_difference_json(difference) for difference in differences], "repaired": repaired}
        click.echo(json.dumps(report, default=str, indent=1))
    else:
        for difference in differences:
            click.echo(_difference_line(difference))
        click.echo(f"{len(differences)} differences, {repaired} repaired" if differences else "all counts are exact")
    if remaining:
        raise SystemExit(1)


def _difference_json(difference: Difference) -> dict[str, Any]:
    """Return the difference for programs, to which the kind of count is known as `of`."""
    values = asdict(difference)
    return {"of": values.pop("kind"), **values}


def _difference_line(difference: Difference) -> str:
    hour = f" {difference.hour:%Y-%m-%d %H}h" if difference.hour else ""
    cell = f"appeal {difference.appeal_id} {difference.section_code} {difference.channel} {difference.evidence}"
    return f"{difference.kind}: {cell}{hour}: stored {difference.stored}, counted {difference.counted}"
