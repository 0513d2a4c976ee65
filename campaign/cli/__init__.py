"""The `flask …` commands, one file per noun. What is refused goes to stderr in one line, with a non-zero status."""

from __future__ import annotations

from flask import Flask

from campaign.cli.appeal import appeal
from campaign.cli.audit import audit
from campaign.cli.backup import backup
from campaign.cli.demo import demo
from campaign.cli.keys import keys
from campaign.cli.mail.bounces import bounces
from campaign.cli.mail.group import mail
from campaign.cli.mail.preview import preview
from campaign.cli.mail.status import dead, drop, retry, status
from campaign.cli.privacy import privacy
from campaign.cli.sections import sections
from campaign.cli.staff import staff
from campaign.cli.tally import tally
from campaign.cli.text import text
from campaign.cli.worker import worker


def init_app(app: Flask) -> None:
    """Adds the commands."""
    for part in (bounces, dead, drop, preview, retry, status):
        mail.add_command(part)
    for command in (appeal, audit, backup, demo, keys, mail, privacy, sections, staff, tally, text, worker):
        app.cli.add_command(command)
