"""flask sections …: the national sections."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import AppGroup

from campaign.cli.refusal import exit_on_refusal
from campaign.domain.staff.actor import OPERATOR
from campaign.platform.runtime import runtime
from campaign.services.sections.load_sections import SHIPPED, load_sections

sections = AppGroup("sections", help="The national sections.")


@sections.command()
@click.argument("file", type=click.Path(path_type=Path), default=SHIPPED)
def load(file: Path) -> None:
    """Add or update sections from a TOML file (default: the list that comes with Tocsin)."""
    with exit_on_refusal():
        report = load_sections(file, context=runtime().context(OPERATOR))
    click.echo(f"sections: {report.added} added, {report.changed} changed, {report.unchanged} as before")
