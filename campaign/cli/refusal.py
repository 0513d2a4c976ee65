"""Refusals of a command: one line on stderr and a non-zero exit status."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn, TextIO

import click
from sqlalchemy.exc import DBAPIError

from campaign.domain.errors import TocsinError
from campaign.platform.database.errors import diagnose

REFUSED = 1
NO_DOCUMENT = 2
UNDECIDED = 3  # a person has to choose or agree first; nothing was changed


@contextmanager
def exit_on_refusal() -> Iterator[None]:
    """End the command with one line and exit status 1 where a service refuses or the database is unreachable."""
    try:
        yield
    except TocsinError as error:
        refuse(str(error))
    except DBAPIError as error:
        refuse(f"{diagnose(error)} (is the database there, and did `flask db upgrade` run?)")


def refuse(reason: str, status: int = REFUSED) -> NoReturn:
    """Print the reason on stderr and end the command."""
    click.echo(f"tocsin: {' '.join(reason.split())}", err=True)
    raise SystemExit(status)


def read_text(file: TextIO) -> str:
    """Return the text of the file; end the command if it is not in UTF-8."""
    try:
        return file.read()
    except UnicodeDecodeError:
        refuse(f"{file.name} is not in UTF-8")
