"""flask staff …: accounts."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from campaign.cli.refusal import exit_on_refusal
from campaign.config import LOCALES
from campaign.domain.staff.actor import OPERATOR
from campaign.domain.staff.roles import Role, checked_role
from campaign.platform.runtime import runtime
from campaign.queries.sections.section import list_sections
from campaign.queries.staff.accounts import find_staff_id, list_all_staff
from campaign.services.staff.accounts import Invitation, invite, reset_second_factor

staff = AppGroup("staff", help="People with an account.")


@staff.command()
@click.argument("email")
@click.option("--section", required=True, metavar="CODE", help="The section's code, such as fr or ca-fr.")
@click.option("--role", required=True, metavar="ROLE", help=f"One of {', '.join(Role)}.")
@click.option("--locale", type=click.Choice(LOCALES), help="The language of mails and pages (default: the section's).")
def add(email: str, section: str, role: str, locale: str | None) -> None:
    """Invite a colleague: mail the invitation and print its link, which works once, for a week."""
    with exit_on_refusal():
        invitation = Invitation(email, section, checked_role(role), locale or _default_locale(section))
        link = invite(invitation, context=runtime().context(OPERATOR))
    click.echo(link)


@staff.command(name="list")
def show() -> None:
    """List the accounts."""
    with exit_on_refusal():
        for account in list_all_staff():
            state = "" if account.active and account.joined_at else "  invited" if account.active else "  ended"
            click.echo(f"{account.email}  {account.role}  {account.section}{state}")


@staff.command(name="reset-second-factor")
@click.argument("email")
def reset(email: str) -> None:
    """Reset the second factor of a colleague who lost phone and recovery codes; the next log-in sets up a new one."""
    with exit_on_refusal():
        reset_second_factor(find_staff_id(email), context=runtime().context(OPERATOR))
    click.echo(f"{email} sets up a second factor at the next log-in")


def _default_locale(section_code: str) -> str:
    """Return the first of the section's languages in which the site is available; English if there is none."""
    languages = next((section.languages for section in list_sections() if section.code == section_code), ())
    return next((language for language in languages if language in LOCALES), "en")
