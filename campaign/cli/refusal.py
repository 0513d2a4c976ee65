"""How a command says no."""

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


@contextmanager
def refusals() -> Iterator[None]:
    """Turns what the campaign refuses, and a database that is away, into one line and exit status 1."""
    try:
        yield
    except TocsinError as error:
        refuse(str(error))
    except DBAPIError as error:
        refuse(f"{diagnose(error)} (is the database there, and did `flask db upgrade` run?)")


def refuse(reason: str, status: int = REFUSED) -> NoReturn:
    """Ends the command with that reason on stderr."""
    click.echo(f"tocsin: {' '.join(reason.split())}", err=True)
    raise SystemExit(status)


def read_text(file: TextIO) -> str:
    """What is in the file; a file that is no UTF-8 ends the command."""
    try:
        return file.read()
    except UnicodeDecodeError:
        refuse(f"{file.name} is not in UTF-8")
