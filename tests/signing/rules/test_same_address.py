"""Signing again with the same address: one case for each row of the table in `services/signing/confirm`."""

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
from campaign.services.signing.erase import erase
from campaign.services.signing.store_sign_up import SignUpRequest, sign
from campaign.services.signing.withdraw import withdraw
from tests.conftest import START, confirm_at, context

ADDRESS = parse_address("jeanne@mail.example")
JEANNE, PAUL, LUC = "Jeanne Martin", "Paul Martin", "Luc Martin"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table: the situation before, the result, and whether it counts."""

    situation: str
    result: str
    counts: bool


def rules() -> list[Rule]:
    """Return the rows of the table in the docstring of `confirm`."""
    table = re.findall(r"^\| (.+?) +\| (.+?) +\| (.+?) +\|$", confirm.__doc__ or "", re.MULTILINE)
    return [
        Rule(situation, result, counts == "yes")
        for situation, result, counts in table[1:]
        if not situation.startswith("--")
    ]


def send(appeal: AppealView, name: str = JEANNE) -> int:
    """Store a form and return its id."""
    earlier_ids = set(db.session.scalars(select(SignUp.id)))
    db.session.rollback()
    form = SignUpRequest(appeal.id, "fr", "FR", name, ADDRESS, "fr", "en", 1, None)
    sign(form, context=context(actor=SUPPORTER))
    (new_id,) = set(db.session.scalars(select(SignUp.id))) - earlier_ids
    db.session.rollback()
    return new_id


def signed(appeal: AppealView, name: str = JEANNE) -> int:
    """Sign, confirm, and return the signature's id."""
    return confirm_at(send(appeal, name), START)


def send_same_form_twice(appeal: AppealView) -> int:
    send(appeal)
    return send(appeal)


def send_form_before_another(appeal: AppealView) -> int:
    earlier = send(appeal)
    send(appeal, PAUL)
    return earlier


def send_confirmed_form(appeal: AppealView) -> int:
    form = send(appeal)
    confirm_at(form, START)
    return form


def send_withdrawn_form(appeal: AppealView) -> int:
    form = send(appeal)
    withdraw(confirm_at(form, START), context=context(actor=SUPPORTER))
    return form


def send_after_same_name(appeal: AppealView) -> int:
    signed(appeal)
    return send(appeal, JEANNE.upper())


def send_after_another_name(appeal: AppealView) -> int:
    signed(appeal, PAUL)
    return send(appeal)


def send_after_two_names(appeal: AppealView) -> int:
    signed(appeal, PAUL)
    signed(appeal, LUC)
    return send(appeal)


def send_after_withdrawal(appeal: AppealView) -> int:
    withdraw(signed(appeal), context=context(actor=SUPPORTER))
    return send(appeal)


def send_after_invalidation(appeal: AppealView) -> int:
    signature_id = signed(appeal)
    db.session.execute(
        update(Signature).where(Signature.id == signature_id).values(state=SignatureState.INVALIDATED.value)
    )
    db.session.commit()
    return send(appeal)


def send_after_erasure(appeal: AppealView) -> int:
    erase(signed(appeal), context=context(actor=SUPPORTER))
    return send(appeal)


def send_after_withdrawal_and_erasure(appeal: AppealView) -> int:
    signature_id = signed(appeal)
    withdraw(signature_id, context=context(actor=SUPPORTER))
    erase(signature_id, context=context(actor=SUPPORTER))
    return send(appeal)


# Functions that bring about the situation of a row; each returns the form to confirm.
CASES: dict[str, Callable[[AppealView], int]] = {
    "done nothing else": send,
    "sent an earlier form with equal contents": send_same_form_twice,
    "sent a newer form with other contents": send_form_before_another,
    "confirmed this form already": send_confirmed_form,
    "confirmed this form, then withdrawn": send_withdrawn_form,
    "signed under the same name": send_after_same_name,
    "signed under one other name": send_after_another_name,
    "signed under two other names": send_after_two_names,
    "signed by an earlier form, then withdrawn": send_after_withdrawal,
    "a signature that staff have invalidated": send_after_invalidation,
    "signed and erased its data": send_after_erasure,
    "signed, withdrawn and erased its data": send_after_withdrawal_and_erasure,
}


def count_signatures(appeal: AppealView) -> int:
    db.session.rollback()
    number = signatures_by_appeal((appeal.id,)).get(appeal.id, 0)
    db.session.rollback()
    return number


def signature_ids() -> list[int]:
    """Return the ids of all signatures, the oldest first."""
    ids = list(db.session.scalars(select(Signature.id).order_by(Signature.id)))
    db.session.rollback()
    return ids


def test_every_rule_has_its_case() -> None:
    assert [rule.situation for rule in rules()] == list(CASES)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.situation)
def test_confirming_gives_the_result_of_the_rule(app: Flask, appeal: AppealView, rule: Rule) -> None:
    form = CASES[rule.situation](appeal)
    earlier_ids, count_before = signature_ids(), count_signatures(appeal)
    if rule.result.endswith("Error"):
        with pytest.raises(getattr(errors, rule.result)):
            confirm_at(form, START)
        assert signature_ids() == earlier_ids
    else:
        signature_id = confirm_at(form, START)
        place = earlier_ids.index(signature_id) if signature_id in earlier_ids else len(earlier_ids)
        expected = {
            "a new signature": len(earlier_ids),
            "a second signature": 1,
            "the existing signature": 0,
            "the second signature": 1,
        }
        assert place == expected[rule.result]
        is_new = rule.result in {"a new signature", "a second signature"}
        assert signature_ids() == (sorted([*earlier_ids, signature_id]) if is_new else earlier_ids)
    assert count_signatures(appeal) - count_before == rule.counts
    db.session.rollback()


def test_both_links_of_two_equal_forms_lead_to_one_signature(app: Flask, appeal: AppealView) -> None:
    first, second = send(appeal), send(appeal)
    assert confirm_at(first, START) == confirm_at(second, START)
    assert count_signatures(appeal) == 1
