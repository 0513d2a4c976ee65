"""flask keys …: the keys that seal names and addresses."""

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
from campaign.queries.privacy.key_rotation import sealed_by_key
from campaign.services.privacy.key_rotation import rotate

keys = AppGroup("keys", help="The keys that seal names and addresses.")


@keys.command("init")
def init() -> None:
    """Print all three keys, each new, as settings. Needs no settings and writes nothing."""
    for variable, value in new_keys().items():
        click.echo(f"{variable}={value}")


@keys.command("new")
def new() -> None:
    """Print a new key for TOCSIN_DATA_KEY or TOCSIN_INDEX_KEY; change nothing."""
    click.echo(base64.b64encode(secrets.token_bytes(32)).decode())


@keys.command("rotate")
def rotate_() -> None:
    """Seal everything with the first of TOCSIN_DATA_KEY; run it again after a break. Exit 0 only where all is done."""
    at = runtime()
    with exit_on_refusal():
        done = rotate(context=at.context(OPERATOR))
        left = sum(number for key, number in sealed_by_key(at.vault).items() if key != at.vault.newest_key.hex())
    click.echo(f"{done.resealed} values sealed anew, {left} left under other keys")
    if done.unreadable:
        refuse(
            f"{done.unreadable} values were sealed with a key that is not among TOCSIN_DATA_KEY; they stay as they are"
        )
    if left:
        refuse("another process still seals with an older key: give it the new one first, then run this again")


@keys.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def status(as_json: bool) -> None:
    """Count the sealed values by the id of their key; the newest key comes first."""
    with exit_on_refusal():
        found = sealed_by_key(runtime().vault)
    if as_json:
        click.echo(json.dumps(found))
        return
    for position, (key, number) in enumerate(found.items()):
        click.echo(f"{key}{number:>12}  {'newest' if position == 0 else ''}".rstrip())
