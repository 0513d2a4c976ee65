"""flask keys …: the keys that encrypt names and addresses."""

from __future__ import annotations

import base64
import json
import secrets

import click
from flask.cli import AppGroup

from campaign.cli.refusal import exit_on_refusal, refuse
from campaign.config import new_keys
from campaign.domain.staff.actor import OPERATOR
from campaign.platform.runtime import runtime
from campaign.queries.privacy.key_rotation import values_by_key
from campaign.services.privacy.key_rotation import rotate

keys = AppGroup("keys", help="The keys that encrypt names and addresses.")


@keys.command("init")
def init() -> None:
    """Make all three keys and print them as settings. Needs no settings and stores nothing."""
    for variable, value in new_keys().items():
        click.echo(f"{variable}={value}")


@keys.command("new")
def new() -> None:
    """Make a key for TOCSIN_DATA_KEY or TOCSIN_INDEX_KEY and print it; store nothing."""
    click.echo(base64.b64encode(secrets.token_bytes(32)).decode())


@keys.command("rotate")
def rotate_() -> None:
    """Encrypt all personal data with the first key of TOCSIN_DATA_KEY; exit 0 if nothing is left under other keys.

    Can be stopped and run again.
    """
    app_runtime = runtime()
    with exit_on_refusal():
        done = rotate(context=app_runtime.context(OPERATOR))
        newest_key = app_runtime.vault.newest_key.hex()
        remaining = sum(number for key, number in values_by_key(app_runtime.vault).items() if key != newest_key)
    click.echo(f"{done.resealed} values encrypted again, {remaining} left under other keys")
    if done.unreadable:
        refuse(f"{done.unreadable} values are encrypted with a key not among TOCSIN_DATA_KEY; they were not changed")
    if remaining:
        refuse("another process still uses an older key: restart it with the new key, then run this again")


@keys.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def status(as_json: bool) -> None:
    """Count the encrypted values by the id of their key; the newest key comes first."""
    with exit_on_refusal():
        numbers = values_by_key(runtime().vault)
    if as_json:
        click.echo(json.dumps(numbers))
        return
    for position, (key, number) in enumerate(numbers.items()):
        click.echo(f"{key}{number:>12}  {'newest' if position == 0 else ''}".rstrip())
