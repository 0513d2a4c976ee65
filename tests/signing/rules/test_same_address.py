"""The same address signs again: each row of the table in `services/signing/confirm` has its case here."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy import select, update

from campaign.domain import errors
from campaign.domain.signing.address import parse_address
from campaign.domain.signing.signature import SignatureState
from campaign.domain.staff.actor import SUPPORTER
from campaign.models import Signature, SignUp
from campaign.platform import db
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.counting.counts import signatures_by_appeal
from campaign.services.signing import confirm
from campaign.services.signing.sign import SignUpRequest, sign
from campaign.services.signing.withdraw import erase, withdraw
from tests.conftest import START, confirm_at, context

ADDRESS = parse_address("jeanne@mail.example")
JEANNE, PAUL, LUC = "Jeanne Martin", "Paul Martin", "Luc Martin"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table."""

    before: str
    gives: str
    counts: bool


def rows() -> list[Row]:
    """Return the rows of the table in the docstring."""
    table = re.findall(r"^\| (.+?) +\| (.+?) +\| (.+?) +\|$", confirm.__doc__ or "", re.MULTILINE)
    return [Row(before, gives, counts == "yes") for before, gives, counts in table[1:] if not before.startswith("--")]


def send(appeal: AppealView, name: str = JEANNE) -> int:
    """Store a form and return its id."""
    known = set(db.session.scalars(select(SignUp.id)))
    db.session.rollback()
    form = SignUpRequest(appeal.id, "fr", "FR", name, ADDRESS, "fr", "en", 1, None)
    sign(form, context=context(actor=SUPPORTER))
    (new,) = set(db.session.scalars(select(SignUp.id))) - known
    db.session.rollback()
    return new


def signed(appeal: AppealView, name: str = JEANNE) -> int:
    """Sign, confirm, and return the signature's id."""
    return confirm_at(send(appeal, name), START)


def a_form_of_the_same(appeal: AppealView) -> int:
    send(appeal)
    return send(appeal)


def an_earlier_form(appeal: AppealView) -> int:
    earlier = send(appeal)
    send(appeal, PAUL)
    return earlier


def the_form_again(appeal: AppealView) -> int:
    form = send(appeal)
    confirm_at(form, START)
    return form


def after_the_same_name(appeal: AppealView) -> int:
    signed(appeal)
    return send(appeal, JEANNE.upper())


def after_another_name(appeal: AppealView) -> int:
    signed(appeal, PAUL)
    return send(appeal)


def after_two_names(appeal: AppealView) -> int:
    signed(appeal, PAUL)
    signed(appeal, LUC)
    return send(appeal)


def after_withdrawing(appeal: AppealView) -> int:
    withdraw(signed(appeal), context=context(actor=SUPPORTER))
    return send(appeal)


def after_an_invalidation(appeal: AppealView) -> int:
    one = signed(appeal)
    db.session.execute(update(Signature).where(Signature.id == one).values(state=SignatureState.INVALIDATED.value))
    db.session.commit()
    return send(appeal)


def after_erasing(appeal: AppealView) -> int:
    erase(signed(appeal), context=context(actor=SUPPORTER))
    return send(appeal)


def after_withdrawing_and_erasing(appeal: AppealView) -> int:
    one = signed(appeal)
    withdraw(one, context=context(actor=SUPPORTER))
    erase(one, context=context(actor=SUPPORTER))
    return send(appeal)


# What leads there; each returns the form that is confirmed then.
CASES: dict[str, Callable[[AppealView], int]] = {
    "nothing": send,
    "an earlier form says the same and waits": a_form_of_the_same,
    "a newer form says something else": an_earlier_form,
    "this form was confirmed": the_form_again,
    "signed under the same name": after_the_same_name,
    "signed under another name": after_another_name,
    "signed under two other names": after_two_names,
    "withdrew": after_withdrawing,
    "was taken out of the counts by staff": after_an_invalidation,
    "signed and erased": after_erasing,
    "withdrew and erased": after_withdrawing_and_erasing,
}


def counted(appeal: AppealView) -> int:
    db.session.rollback()
    found = signatures_by_appeal((appeal.id,)).get(appeal.id, 0)
    db.session.rollback()
    return found


def signatures() -> list[int]:
    """Return the ids of those that bear an address, the oldest first."""
    found = list(db.session.scalars(select(Signature.id).order_by(Signature.id)))
    db.session.rollback()
    return found


def test_every_row_has_its_case() -> None:
    assert [row.before for row in rows()] == list(CASES)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.before)
def test_what_confirming_gives(app: Flask, appeal: AppealView, row: Row) -> None:
    form = CASES[row.before](appeal)
    known, before = signatures(), counted(appeal)
    if row.gives.endswith("Error"):
        with pytest.raises(getattr(errors, row.gives)):
            confirm_at(form, START)
        assert signatures() == known
    else:
        given = confirm_at(form, START)
        place = known.index(given) if given in known else len(known)
        expected = {
            "a new signature": len(known),
            "a second signature": 1,
            "the same signature": 0,
            "the second signature": 1,
        }
        assert place == expected[row.gives]
        is_new = row.gives in {"a new signature", "a second signature"}
        assert signatures() == (sorted([*known, given]) if is_new else known)
    assert counted(appeal) - before == row.counts
    db.session.rollback()


def test_both_links_of_two_equal_forms_lead_to_one_signature(app: Flask, appeal: AppealView) -> None:
    first, second = send(appeal), send(appeal)
    assert confirm_at(first, START) == confirm_at(second, START)
    assert counted(appeal) == 1
