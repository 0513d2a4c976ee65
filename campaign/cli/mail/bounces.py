"""flask mail bounces: the command into which a mail server pipes the mail sent to return paths."""

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
from campaign.services.delivery.bounce import ProcessedBounce, process_bounce, process_maildir

_MAX_BYTES = 10 * 1024 * 1024
_VERDICT_TEXTS = {
    BounceVerdict.HARD: "the mailbox is not there",
    BounceVerdict.COMPLAINT: "the reader reported it as spam",
    BounceVerdict.REFUSED: "refused for another reason than the mailbox",
    BounceVerdict.SOFT: "not delivered after repeated temporary failures",
    BounceVerdict.DELAYED: "delayed; the server tries again",
    BounceVerdict.AUTOMATIC: "ignored: an automatic reply",
    BounceVerdict.UNKNOWN: "ignored: not a report on delivery",
}


@click.command()
@with_appcontext
@click.argument("file", type=click.Path())
@click.option("--recipient", help="The recipient by the mail server, where the message does not name one.")
def bounces(file: str, recipient: str | None) -> None:
    """Process bounces: one message (FILE, or - for standard input), or a whole Maildir.

    Ends with a status of sysexits.h, so that a mail server can pipe into it: 0 processed or ignored, 66 no such file,
    67 not sent to a return path, 75 try again later (the database is away), 77 forged.
    """
    try:
        if file != "-" and Path(file).is_dir():
            _process_maildir(Path(file))
            return
        content = sys.stdin.buffer.read(_MAX_BYTES) if file == "-" else _read(Path(file))
        receipt = process_bounce(content, recipient=recipient, context=runtime().context(OPERATOR))
    except UnaddressedBounceError as error:
        _end(os.EX_NOUSER, str(error))
    except ForgedBounceError as error:
        _end(os.EX_NOPERM, str(error))
    except DBAPIError as error:
        _end(os.EX_TEMPFAIL, str(diagnose(error)))
    except OSError as error:
        _end(os.EX_NOINPUT, f"{file}: {error.strerror}")
    else:
        click.echo(_receipt_text(receipt))


def _read(path: Path) -> bytes:
    with path.open("rb") as opened:
        return opened.read(_MAX_BYTES)


def _process_maildir(folder: Path) -> None:
    """Process each message of the Maildir, and print how many there were of each verdict."""
    if not (folder / "new").is_dir():
        _end(os.EX_NOINPUT, f"{folder} is not a Maildir")
    try:
        outcomes = process_maildir(folder, context=runtime().context(OPERATOR))
    except mailbox.Error as error:
        _end(os.EX_NOINPUT, str(error))
    else:
        click.echo(", ".join(f"{number} {name}" for name, number in sorted(outcomes.items())) or "there are no bounces")


def _receipt_text(receipt: ProcessedBounce) -> str:
    report = receipt.report
    status = f" ({report.status})" if report.status else ""
    suppressed = "; no more mail goes there" if receipt.is_suppressed else ""
    return f"mail {report.mail_id}: {report.verdict}{status}: {_VERDICT_TEXTS[report.verdict]}{suppressed}"


def _end(status: int, reason: str) -> None:
    click.echo(f"tocsin: {reason}", err=True)
    raise SystemExit(status)
