"""flask mail status, dead, retry, drop: the state of the outbox; listing, retrying and dropping undelivered mail."""

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
    """Count the mails by state, and report the age of the oldest due mail and whether the queue is paused."""
    app_runtime = runtime()
    with exit_on_refusal():
        outbox = outbox_status()
        by_domain = domain_outcomes(app_runtime.vault, now=app_runtime.clock(), is_for_staff=False) if domains else ()
    if as_json:
        report: dict[str, Any] = {**outbox.by_state, "oldest_due_seconds": round(outbox.oldest_due_seconds, 1)}
        report["held"] = None if outbox.pause is None else asdict(outbox.pause)
        if domains:
            report["domains"] = [asdict(outcome) for outcome in by_domain]
        click.echo(json.dumps(report, default=_json_value))
        return
    _print_status(outbox)
    for outcome in by_domain:
        states = ", ".join(f"{number} {state}" for state, number in outcome.by_state.items() if number)
        click.echo(f"{outcome.domain or '(small domains)'}: {states}, {outcome.bounced} bounced")


def _print_status(outbox: OutboxStatus) -> None:
    """Print a line for each state, the age of the oldest due mail, and the queue pause with its reason."""
    for state, number in outbox.by_state.items():
        click.echo(f"{state:<12}{number:>10}")
    click.echo(f"{'oldest due':<12}{outbox.oldest_due_seconds:>9.0f}s")
    pause = outbox.pause
    if pause is not None:
        reason = " ".join(str(part) for part in (pause.phase, pause.code, pause.detail) if part is not None)
        click.echo(f"held since {pause.began_at:%Y-%m-%d %H:%M} UTC: {reason}")


@click.command()
@with_appcontext
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def dead(as_json: bool) -> None:
    """List undelivered mail, by reason."""
    with exit_on_refusal():
        groups = failed_mail_groups()
    if as_json:
        click.echo(json.dumps([asdict(group) for group in groups], default=_json_value))
        return
    for group in groups:
        reason = " ".join(str(part) for part in (group.phase, group.code, group.detail) if part is not None)
        click.echo(f"{group.number:>8}  {group.state:<8} {group.kind:<22} {reason}")


def _add_filter_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that choose undelivered mails."""
    for option in (
        click.option("--all", "is_all", is_flag=True, help="All undelivered mail."),
        click.option("--words", help="A part of the server's answer."),
        click.option("--code", type=int, help="The server's code, such as 550."),
        click.option("--phase", help="The phase of the SMTP session, such as rcpt."),
        click.option("--kind", type=click.Choice([kind.value for kind in MailKind]), help="The kind of message."),
        click.option("--state", type=click.Choice(failed_mail.UNDELIVERED), help="The state, dead or unknown."),
    ):
        command = option(command)
    return command


@click.command()
@with_appcontext
@_add_filter_options
def retry(is_all: bool, **options: Any) -> None:
    """Try the undelivered mails that match the options again."""
    click.echo(f"{_change_failed_mail(is_all, options, failed_mail.retry)} are due again")


@click.command()
@with_appcontext
@_add_filter_options
def drop(is_all: bool, **options: Any) -> None:
    """Drop the undelivered mails that match the options: they are never sent."""
    click.echo(f"{_change_failed_mail(is_all, options, failed_mail.drop)} are dropped")


def _change_failed_mail(is_all: bool, options: dict[str, Any], change: Callable[..., int]) -> int:
    """Change the undelivered mails that match the options; return how many. End the command without any option."""
    if not is_all and not any(value is not None for value in options.values()):
        refuse("choose mails by --state, --kind, --phase, --code or --words, or --all; `flask mail dead` lists them")
    with exit_on_refusal():
        return change(failed_mail.FailedMailFilter(**options), context=runtime().context(OPERATOR))


def _json_value(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
