"""The `flask …` commands, one module for each noun.

A command that is refused prints one line on stderr and ends with a non-zero status.
"""

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
    """Add the commands to the application."""
    for mail_command in (bounces, dead, drop, preview, retry, status):
        mail.add_command(mail_command)
    for command in (appeal, audit, backup, demo, keys, mail, privacy, sections, staff, tally, text, worker):
        app.cli.add_command(command)
