"""A process whose database was restored to an earlier state: it uses existing keys, and staff find its rows."""

from __future__ import annotations

from flask.testing import FlaskClient
from sqlalchemy import delete, select

from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.address import parse_address
from campaign.models import Mail, MonthKey, RowKey, Signature, SignUp
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.privacy.row_key import seeds_of
from campaign.services.keys.month_key import month_key
from tests.conftest import START, confirm_newest, form


def another_process() -> Vault:
    """Return the keys of a process that has made the month's key before this one."""
    other = Vault((b"d" * 32,), b"i" * 32, seeds_of)
    month_key(other, now=START)
    return other


def restore_earlier_state() -> Vault:
    """Restore the database to a moment before this process wrote to it; return the process's keys."""
    with transaction() as session:
        for model in (Mail, SignUp, RowKey, MonthKey):
            session.execute(delete(model))
    return another_process()


def found_with(other: Vault) -> list[int]:
    """Return the signatures that a search for the mail domain finds with the keys in the database."""
    domain = other.domain_digest(parse_address("jeanne@mail.example"))
    wanted = other.month_digest(domain, month_key(other, now=START), "signature")
    found = list(db.session.scalars(select(Signature.id).where(Signature.domain_digest == wanted)))
    db.session.rollback()
    return found


def test_a_form_after_a_restore_is_stored_and_its_domain_found(client: FlaskClient, appeal: AppealView) -> None:
    path = f"/en/appeals/{appeal.slug}/sign"
    assert client.post(path, data=form(email="before@mail.example")).status_code == 303
    other = restore_earlier_state()
    assert client.post(path, data=form()).status_code == 303
    signature = confirm_newest(START)
    assert found_with(other) == [signature]


def test_a_confirmation_after_a_restore_is_found_too(client: FlaskClient, appeal: AppealView) -> None:
    path = f"/en/appeals/{appeal.slug}/sign"
    client.post(path, data=form(email="before@mail.example"))
    confirm_newest(START)
    client.post(path, data=form())
    with transaction() as session:
        sealed = session.scalars(select(SignUp.origin_sealed)).all()
        waiting = [slot[0] for one in sealed if (slot := runtime().vault.slot_of(one)) is not None]
        session.execute(delete(RowKey).where(RowKey.id.not_in(waiting)))
        session.execute(delete(MonthKey))
    other = another_process()
    signature = confirm_newest(START)
    assert found_with(other) == [signature]
