"""flask mail preview: showing a message with sample data."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from campaign.cli.refusal import exit_on_refusal
from campaign.mail.messages import samples
from campaign.platform.runtime import runtime


@click.command()
@with_appcontext
@click.argument("name", required=False)
@click.option("--locale", default="en", show_default=True, help="A language of the site.")
@click.option("--html", "part", flag_value="html", help="Only the HTML part.")
@click.option("--text", "part", flag_value="text", help="Only the text part.")
def preview(name: str | None, locale: str, part: str | None) -> None:
    """Show a message with sample data; without NAME, list the names of the messages."""
    if name is None:
        click.echo("\n".join(samples.message_names()))
        return
    settings = runtime().settings
    with exit_on_refusal():
        message = samples.preview_message(name, locale, sender=settings.mail_from, base_url=settings.base_url)
    if part is None:
        headers = {"From": message.sender, "Subject": message.subject, **(message.extra_headers or {})}
        click.echo("".join(f"{header}: {value}\n" for header, value in headers.items()))
    click.echo(message.html if part == "html" else message.body, nl=False)
