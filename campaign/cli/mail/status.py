"""flask mail status, dead, retry, drop: the state of the outbox, and what to do with undelivered mail."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click
from flask.cli import with_appcontext

from campaign.cli.refusal import exit_on_refusal, refuse
from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.staff.actor import OPERATOR
from campaign.platform.runtime import runtime
from campaign.queries.delivery.mail_status import OutboxStatus, domain_outcomes, failed_mail_groups, outbox_status
from campaign.services.delivery import failed_mail


@click.command()
@with_appcontext
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
@click.option("--domains", is_flag=True, help="Also the last week's mail by domain and state.")
def status(as_json: bool, domains: bool) -> None:
    """Count the mails by state, and report the age of the oldest due one and whether the queue is held."""
    at = runtime()
    with exit_on_refusal():
        found = outbox_status()
        by_domain = domain_outcomes(at.vault, now=at.clock(), is_for_staff=False) if domains else ()
    if as_json:
        said: dict[str, Any] = {**found.by_state, "oldest_due_seconds": round(found.oldest_due_seconds, 1)}
        said["held"] = None if found.pause is None else asdict(found.pause)
        if domains:
            said["domains"] = [asdict(one) for one in by_domain]
        click.echo(json.dumps(said, default=_plain))
        return
    _print(found)
    for one in by_domain:
        states = ", ".join(f"{number} {state}" for state, number in one.by_state.items() if number)
        click.echo(f"{one.domain or '(small domains)'}: {states}, {one.bounced} bounced")


def _print(found: OutboxStatus) -> None:
    for state, number in found.by_state.items():
        click.echo(f"{state:<12}{number:>10}")
    click.echo(f"{'oldest due':<12}{found.oldest_due_seconds:>9.0f}s")
    if found.pause is not None:
        said = " ".join(
            str(part) for part in (found.pause.phase, found.pause.code, found.pause.detail) if part is not None
        )
        click.echo(f"held since {found.pause.began_at:%Y-%m-%d %H:%M} UTC: {said}")


@click.command()
@with_appcontext
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def dead(as_json: bool) -> None:
    """List undelivered mail, by reason."""
    with exit_on_refusal():
        found = failed_mail_groups()
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], default=_plain))
        return
    for one in found:
        said = " ".join(str(part) for part in (one.phase, one.code, one.detail) if part is not None)
        click.echo(f"{one.number:>8}  {one.state:<8} {one.kind:<22} {said}")


def _choosing(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that choose undelivered mails."""
    for option in (
        click.option("--all", "everything", is_flag=True, help="All undelivered mail."),
        click.option("--words", help="A part of the server's answer."),
        click.option("--code", type=int, help="The server's code, such as 550."),
        click.option("--phase", help="The phase of the dialogue, such as rcpt."),
        click.option("--kind", type=click.Choice([kind.value for kind in MailKind]), help="The kind of message."),
        click.option("--state", type=click.Choice(failed_mail.UNDELIVERED), help="Dead or unknown."),
    ):
        command = option(command)
    return command


@click.command()
@with_appcontext
@_choosing
def retry(everything: bool, **chosen: Any) -> None:
    """Try the undelivered mails again that match the options."""
    click.echo(f"{_of(everything, chosen, failed_mail.retry)} are due again")


@click.command()
@with_appcontext
@_choosing
def drop(everything: bool, **chosen: Any) -> None:
    """Give up for good the undelivered mails that match the options."""
    click.echo(f"{_of(everything, chosen, failed_mail.drop)} are dropped")


def _of(everything: bool, chosen: dict[str, Any], work: Callable[..., int]) -> int:
    if not everything and not any(value is not None for value in chosen.values()):
        refuse("say which (--state, --kind, --phase, --code, --words), or --all; `flask mail dead` lists them")
    with exit_on_refusal():
        return work(failed_mail.FailedMailFilter(**chosen), context=runtime().context(OPERATOR))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
