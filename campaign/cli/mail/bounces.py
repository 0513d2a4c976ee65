"""flask mail bounces: the command into which a mail server pipes everything sent to a return path."""

from __future__ import annotations

import mailbox
import os
import sys
from pathlib import Path

import click
from flask.cli import with_appcontext
from sqlalchemy.exc import DBAPIError

from campaign.domain.delivery.bounce import BounceVerdict
from campaign.domain.staff.actor import OPERATOR
from campaign.mail.bounce import ForgedBounceError, UnaddressedBounceError
from campaign.platform.database.errors import diagnose
from campaign.platform.runtime import runtime
from campaign.services.delivery.bounce import BounceReceipt, take, take_maildir

_MOST_BYTES = 10 * 1024 * 1024
_SAID = {
    BounceVerdict.HARD: "the mailbox is not there",
    BounceVerdict.COMPLAINT: "the reader calls it spam",
    BounceVerdict.REFUSED: "refused, but not because of the mailbox",
    BounceVerdict.SOFT: "given up after a temporary failure",
    BounceVerdict.DELAYED: "still being tried",
    BounceVerdict.AUTOMATIC: "ignored: a program answers",
    BounceVerdict.UNKNOWN: "ignored: no report on delivery",
}


@click.command()
@with_appcontext
@click.argument("file", type=click.Path())
@click.option("--recipient", help="The recipient by the mail server, where the message does not name one.")
def bounces(file: str, recipient: str | None) -> None:
    """Process what came back: a message (FILE, or - for standard input), or a whole Maildir.

    Ends with a status of sysexits.h, so that a mail server can pipe into it: 0 processed or ignored, 66 no such file,
    67 not sent to a return path, 75 try again later (the database is away), 77 forged.
    """
    try:
        if file != "-" and Path(file).is_dir():
            _take_folder(Path(file))
            return
        content = sys.stdin.buffer.read(_MOST_BYTES) if file == "-" else _read(Path(file))
        taken = take(content, recipient=recipient, context=runtime().context(OPERATOR))
    except UnaddressedBounceError as error:
        _end(os.EX_NOUSER, str(error))
    except ForgedBounceError as error:
        _end(os.EX_NOPERM, str(error))
    except DBAPIError as error:
        _end(os.EX_TEMPFAIL, str(diagnose(error)))
    except OSError as error:
        _end(os.EX_NOINPUT, f"{file}: {error.strerror}")
    else:
        click.echo(_say(taken))


def _read(path: Path) -> bytes:
    with path.open("rb") as opened:
        return opened.read(_MOST_BYTES)


def _take_folder(folder: Path) -> None:
    if not (folder / "new").is_dir():
        _end(os.EX_NOINPUT, f"{folder} is no Maildir")
    try:
        outcomes = take_maildir(folder, context=runtime().context(OPERATOR))
    except mailbox.Error as error:
        _end(os.EX_NOINPUT, str(error))
    else:
        click.echo(
            ", ".join(f"{number} {name}" for name, number in sorted(outcomes.items())) or "nothing has come back"
        )


def _say(taken: BounceReceipt) -> str:
    status = f" ({taken.report.status})" if taken.report.status else ""
    done = "; no more mail goes there" if taken.is_suppressed else ""
    return f"mail {taken.report.mail_id}: {taken.report.verdict}{status}: {_SAID[taken.report.verdict]}{done}"


def _end(status: int, reason: str) -> None:
    click.echo(f"tocsin: {reason}", err=True)
    raise SystemExit(status)
