"""flask text …: the organisation's texts on the legal pages."""

from __future__ import annotations

from typing import TextIO

import click
from flask.cli import AppGroup

from campaign.cli.refusal import exit_on_refusal, read_text
from campaign.config import LOCALES
from campaign.domain.sections.site_page import SitePage
from campaign.domain.staff.actor import OPERATOR
from campaign.platform.runtime import runtime
from campaign.queries.sections.site_text import site_texts
from campaign.services.sections.site_text import write_site_text

text = AppGroup("text", help="The organisation's texts of imprint, privacy notice and accessibility statement.")


@text.command("set")
@click.argument("page", type=click.Choice([page.value for page in SitePage]))
@click.argument("language", type=click.Choice(LOCALES))
@click.argument("file", type=click.File(encoding="utf-8"))
def set_(page: str, language: str, file: TextIO) -> None:
    """Put FILE (Markdown, - for standard input) on that page; an empty file removes the text."""
    with exit_on_refusal():
        write_site_text(SitePage(page), language, read_text(file), context=runtime().context(OPERATOR))
    click.echo(f"{page} is written in {language}")


@text.command("list")
def list_() -> None:
    """List the pages that have a text."""
    with exit_on_refusal():
        texts = site_texts()
    for (page, language), body in sorted(texts.items()):
        click.echo(f"{page:<16} {language:<4} {len(body):>7} characters")
