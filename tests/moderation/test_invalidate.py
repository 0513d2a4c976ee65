"""Invalidation of signatures and its reversal: exact counts after every batch, own section only, resumable."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from campaign.document import parse_text
from campaign.domain.counting.channel import Channel
from campaign.domain.errors import InputError, NotFoundError, StateError
from campaign.domain.moderation.invalidation import (
    Criteria,
    InvalidationState,
    matches_pattern,
    pack_criteria,
    read_domain,
    read_pattern,
    unpack_criteria,
)
from campaign.domain.staff.actor import SUPPORTER, staff_actor
from campaign.domain.staff.roles import Role, Scope
from campaign.models import Action, AuditEntry, InvalidatedAction, Invalidation, Mail, Signature
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView, find_appeal
from campaign.queries.counting.counts import counts
from campaign.queries.moderation.moderation import SignerView, find_signer_ids, is_beyond_search, open_signers, trends
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from campaign.services.counting.rollup import roll_up
from campaign.services.counting.verify import verify_counts
from campaign.services.moderation.invalidate import add_invalidation, advance, begin, drop, has_work, undo
from campaign.services.privacy.key_rotation import rotate
from campaign.services.signing.correct_signer import change_country
from campaign.services.signing.erase import erase
from campaign.services.signing.report_action import record_report
from tests.conftest import DAY, DOCUMENT, START, Postbox, context
from tests.signing.signatures import sign_and_confirm
from tests.staff.staff_clients import join_staff

pytestmark = pytest.mark.slow

NETWORK = b"n" * 32


@pytest.fixture
def editor_scope(app: Flask) -> Scope:
    """Return the scope of a French editor."""
    return Scope(join_staff(app, "ed@staff.example", Role.EDITOR), Role.EDITOR, "fr")


@pytest.fixture
def signatures(appeal: AppealView) -> dict[str, list[int]]:
    """Make real signatures, a flood from one domain, and the same flood in another section; return the ids by name."""
    return {
        "real": [sign_and_confirm(appeal, f"Person {n}", f"p{n}@mail.example") for n in range(3)],
        "flood": [
            sign_and_confirm(
                appeal,
                f"Bot {n}",
                f"bot{n}@spam.example",
                network=NETWORK,
                at=START + n * DAY / 8,
            )
            for n in range(9)
        ],
        "other": [
            sign_and_confirm(appeal, f"Bot {n}", f"other{n}@spam.example", "be-nl", network=NETWORK) for n in range(2)
        ],
    }


def states(ids: list[int]) -> set[str]:
    found = set(db.session.scalars(select(Signature.state).where(Signature.id.in_(ids))))
    db.session.rollback()
    return found


def process_all(invalidation_id: int, *, batch: int = 2) -> InvalidationState:
    """Process all batches and compare the counts with the rows after each; return the state."""
    while advance(context=context(START + 2 * DAY), only=invalidation_id, batch_size=batch):
        assert verify_counts() == []
    state = db.session.scalars(select(Invalidation.state).where(Invalidation.id == invalidation_id)).one()
    db.session.rollback()
    return InvalidationState(state)


def count_matches(criteria: Criteria, editor_scope: Scope, appeal_id: int | None = None) -> tuple[int, Invalidation]:
    invalidation_id = add_invalidation(criteria, appeal_id, context=context(START + DAY, staff_actor(editor_scope)))
    assert process_all(invalidation_id) == InvalidationState.READY
    row = db.session.get_one(Invalidation, invalidation_id)
    db.session.expunge(row)
    db.session.rollback()
    return invalidation_id, row


def call_with_reason(service: object, invalidation_id: int, editor_scope: Scope) -> None:
    service(invalidation_id, "a flood from bot1@spam.example", context=context(START + DAY, staff_actor(editor_scope)))  # type: ignore[operator]


def total(appeal: AppealView, section: str = "fr") -> int:
    current_counts = counts(appeal.id).by_section.get(section)
    db.session.rollback()
    return current_counts.total if current_counts is not None else 0


def shown_network(editor_scope: Scope) -> str:
    """Return the key of the only network on the page of trends, which differs from the digest of the form."""
    (found,) = trends(editor_scope, runtime().vault, now=START + DAY).networks
    db.session.rollback()
    assert found.total == 9
    assert found.key != NETWORK.hex()
    return found.key


CHOICES = [
    Criteria(domain="spam.example"),
    Criteria(pattern="bot*@spam.example"),
    Criteria(pattern="bot?@*"),
    Criteria(network=NETWORK.hex()),
    Criteria(domain="spam.example", since=START, until=START + 3 * DAY),
]


@pytest.mark.parametrize("criteria", CHOICES, ids=lambda one: pack_criteria(one)[:60])
def test_a_flood_is_counted_invalidated_and_restored_without_other_changes(
    appeal: AppealView, editor_scope: Scope, signatures: dict[str, list[int]], criteria: Criteria
) -> None:
    before = (total(appeal), total(appeal, "be-nl"))
    if criteria.network is not None:
        criteria = replace(criteria, network=shown_network(editor_scope))
    invalidation_id, row = count_matches(criteria, editor_scope)
    assert (row.matched, row.matched_confirmed, row.sample) == (9, 9, signatures["flood"])
    assert total(appeal) == before[0], "a preview changes nothing"
    call_with_reason(begin, invalidation_id, editor_scope)
    assert process_all(invalidation_id) == InvalidationState.DONE
    assert states(signatures["flood"]) == {"invalidated"}
    assert (states(signatures["real"]), states(signatures["other"])) == ({"confirmed"}, {"confirmed"})
    assert (total(appeal), total(appeal, "be-nl")) == (3, before[1])
    call_with_reason(undo, invalidation_id, editor_scope)
    assert process_all(invalidation_id) == InvalidationState.UNDONE
    assert states(signatures["flood"]) == {"confirmed"}
    assert (total(appeal), total(appeal, "be-nl")) == before
    assert db.session.execute(select(func.count()).select_from(InvalidatedAction)).scalar_one() == 0
    db.session.rollback()


def test_a_time_window_narrows_the_choice(
    appeal: AppealView, editor_scope: Scope, signatures: dict[str, list[int]]
) -> None:
    _, row = count_matches(Criteria(since=START + DAY / 8, until=START + DAY / 2), editor_scope)
    assert row.sample == signatures["flood"][1:4]


def test_a_signature_of_another_section_is_never_chosen_by_its_id(
    appeal: AppealView, editor_scope: Scope, signatures: dict[str, list[int]]
) -> None:
    invalidation_id, row = count_matches(Criteria(ids=(signatures["real"][0], signatures["other"][0])), editor_scope)
    assert row.sample == signatures["real"][:1]
    call_with_reason(begin, invalidation_id, editor_scope)
    process_all(invalidation_id)
    assert states(signatures["other"]) == {"confirmed"}


def test_an_appeal_narrows_the_choice(
    appeal: AppealView, editor_scope: Scope, signatures: dict[str, list[int]]
) -> None:
    other = import_draft(parse_text(DOCUMENT), ImportOptions(slug="another"), context=context()).slug
    publish(other, context=context())
    found = find_appeal(other)
    assert found is not None
    db.session.rollback()
    sign_and_confirm(found, "Bot", "bot1@spam.example")
    _, row = count_matches(Criteria(domain="spam.example"), editor_scope, found.id)
    assert row.matched == 1


def test_signatures_after_the_preview_are_not_invalidated(
    appeal: AppealView, editor_scope: Scope, signatures: dict[str, list[int]]
) -> None:
    invalidation_id, _ = count_matches(Criteria(domain="spam.example"), editor_scope)
    late_signature_id = sign_and_confirm(appeal, "Late", "late@spam.example")
    call_with_reason(begin, invalidation_id, editor_scope)
    process_all(invalidation_id)
    assert states([late_signature_id]) == {"confirmed"}


def test_reports_of_invalidated_signers_are_invalidated_and_restored_too(
    appeal: AppealView, editor_scope: Scope, signatures: dict[str, list[int]]
) -> None:
    record_report(signatures["flood"][1], Channel.EMAIL, target=1, context=context(START + DAY, SUPPORTER))
    before = counts(appeal.id)
    db.session.rollback()
    invalidation_id, _ = count_matches(Criteria(domain="spam.example"), editor_scope)
    call_with_reason(begin, invalidation_id, editor_scope)
    process_all(invalidation_id)
    assert counts(appeal.id).by_evidence["reported"] == 0
    db.session.rollback()
    call_with_reason(undo, invalidation_id, editor_scope)
    process_all(invalidation_id)
    assert counts(appeal.id) == before
    db.session.rollback()


def test_the_history_stays_exact_after_a_rollup(
    appeal: AppealView, editor_scope: Scope, signatures: dict[str, list[int]]
) -> None:
    invalidation_id, _ = count_matches(Criteria(domain="spam.example"), editor_scope)
    call_with_reason(begin, invalidation_id, editor_scope)
    roll_up(context=context(START + 12 * DAY))
    process_all(invalidation_id)
    call_with_reason(undo, invalidation_id, editor_scope)
    process_all(invalidation_id)
    assert verify_counts() == []


def test_restoring_does_not_count_an_erased_address_again(appeal: AppealView, editor_scope: Scope) -> None:
    first = sign_and_confirm(appeal, "Ana", "ana@spam.example")
    erase(first, context=context(actor=SUPPORTER))
    again = sign_and_confirm(appeal, "Ana", "ana@spam.example")
    assert total(appeal) == 1
    invalidation_id, row = count_matches(Criteria(domain="spam.example"), editor_scope)
    assert row.sample == [again]
    call_with_reason(begin, invalidation_id, editor_scope)
    process_all(invalidation_id)
    assert total(appeal) == 1, "the erased signature stays counted"
    call_with_reason(undo, invalidation_id, editor_scope)
    process_all(invalidation_id)
    assert total(appeal) == 1


def test_erasing_or_changing_section_meanwhile_keeps_the_counts_exact(
    appeal: AppealView, editor_scope: Scope, signatures: dict[str, list[int]]
) -> None:
    invalidation_id, _ = count_matches(Criteria(domain="spam.example"), editor_scope)
    call_with_reason(begin, invalidation_id, editor_scope)
    process_all(invalidation_id)
    erase(signatures["flood"][1], context=context(START + DAY, SUPPORTER))
    change_country(signatures["flood"][2], country="BE", section_code="be-nl", context=context(actor=SUPPORTER))
    assert verify_counts() == []
    call_with_reason(undo, invalidation_id, editor_scope)
    process_all(invalidation_id)
    assert (total(appeal), total(appeal, "be-nl")) == (11, 3)


def test_a_worker_that_fails_in_a_batch_leaves_whole_batches(
    appeal: AppealView, editor_scope: Scope, signatures: dict[str, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    invalidation_id, _ = count_matches(Criteria(domain="spam.example"), editor_scope)
    call_with_reason(begin, invalidation_id, editor_scope)
    advance(context=context(), only=invalidation_id, batch_size=3)
    with monkeypatch.context() as patched:
        patched.setattr("campaign.services.counting.tally.count_many", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            advance(context=context(), only=invalidation_id, batch_size=3)
    assert verify_counts() == []
    row = db.session.get_one(Invalidation, invalidation_id)
    assert (row.changed, row.state) == (3, "running")
    db.session.rollback()
    assert has_work()
    assert process_all(invalidation_id) == InvalidationState.DONE
    assert states(signatures["flood"]) == {"invalidated"}


def test_an_invalidated_signer_gets_no_mail_and_cannot_sign_again(
    appeal: AppealView, editor_scope: Scope, signatures: dict[str, list[int]], deliver: Any, postbox: Postbox
) -> None:
    invalidation_id, _ = count_matches(Criteria(domain="spam.example"), editor_scope)
    call_with_reason(begin, invalidation_id, editor_scope)
    process_all(invalidation_id)
    with pytest.raises(StateError):
        sign_and_confirm(appeal, "Bot Zero", "bot0@spam.example")
    mailed = len(postbox.recipients)
    deliver()
    assert states(signatures["flood"]) == {"invalidated"}
    assert "bot0@spam.example" not in postbox.recipients[mailed:]
    last = select(Mail.state, Mail.detail).where(Mail.kind == "confirmation").order_by(Mail.id.desc()).limit(1)
    assert db.session.execute(last).one() == ("sent", None), "the row does not refer to the signature"
    db.session.rollback()


def test_each_step_needs_the_previous_one_and_the_own_section(
    app: Flask, appeal: AppealView, editor_scope: Scope, signatures: dict[str, list[int]]
) -> None:
    invalidation_id, _ = count_matches(Criteria(domain="spam.example"), editor_scope)
    other = Scope(editor_scope.staff_id, Role.ADMIN, "be-nl")
    for act in (begin, undo):
        with pytest.raises(NotFoundError):
            call_with_reason(act, invalidation_id, other)
    with pytest.raises(NotFoundError):
        drop(invalidation_id, context=context(START, staff_actor(other)))
    with pytest.raises(StateError):
        call_with_reason(undo, invalidation_id, editor_scope)
    call_with_reason(begin, invalidation_id, editor_scope)
    with pytest.raises(StateError):
        call_with_reason(begin, invalidation_id, editor_scope)
    with pytest.raises(StateError):
        drop(invalidation_id, context=context(START, staff_actor(editor_scope)))


def test_criteria_must_not_match_everyone(editor_scope: Scope) -> None:
    with pytest.raises(InputError, match="everybody"):
        add_invalidation(Criteria(), None, context=context(START, staff_actor(editor_scope)))


def test_each_step_is_in_the_audit_log_without_addresses(
    appeal: AppealView, editor_scope: Scope, signatures: dict[str, list[int]]
) -> None:
    invalidation_id, _ = count_matches(Criteria(domain="spam.example"), editor_scope)
    call_with_reason(begin, invalidation_id, editor_scope)
    process_all(invalidation_id)
    call_with_reason(undo, invalidation_id, editor_scope)
    process_all(invalidation_id)
    told = db.session.scalars(
        select(AuditEntry).where(AuditEntry.act.startswith("inval")).order_by(AuditEntry.id)
    ).all()
    assert [one.act.partition(".")[2] for one in told] == ["begin", "done", "undo", "undone"]
    assert "spam.example" not in str([(one.before, one.after, one.reason) for one in told])
    assert told[0].reason == "a flood from […]"
    db.session.rollback()


def test_a_search_finds_recent_names_beside_a_damaged_one(
    appeal: AppealView, editor_scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [sign_and_confirm(appeal, name, f"n{n}@mail.example") for n, name in enumerate(("José Müller", "Ana", "Li"))]
    with transaction() as session:
        session.execute(update(Signature).where(Signature.id == ids[2]).values(name_sealed=b"gone" + b"x" * 40))
    (found,) = signers_named("jose  MULLER", editor_scope)
    assert (found.id, found.name) == (ids[0], "José Müller")
    assert signers_named("Li", editor_scope) == ()
    assert not is_beyond_search(editor_scope)
    monkeypatch.setattr("campaign.queries.moderation.moderation.MAX_SEARCHED", 2)
    assert signers_named("jose  MULLER", editor_scope) == ()
    assert is_beyond_search(editor_scope)
    db.session.rollback()


def signers_named(name: str, editor_scope: Scope) -> tuple[SignerView, ...]:
    vault = runtime().vault
    return open_signers(find_signer_ids(editor_scope, vault, name=name, address=None), editor_scope, vault)


def test_stored_criteria_open_after_a_key_rotation(
    appeal: AppealView, editor_scope: Scope, signatures: dict[str, list[int]]
) -> None:
    invalidation_id, _ = count_matches(Criteria(pattern="bot*@spam.example"), editor_scope)
    rotate(context=context())
    call_with_reason(begin, invalidation_id, editor_scope)
    process_all(invalidation_id)
    assert states(signatures["flood"]) == {"invalidated"}


@pytest.mark.parametrize(
    ("pattern", "address", "does"),
    [
        ("bot*@spam.example", "bot17@spam.example", True),
        ("bot*@spam.example", "bot17@spam.example.org", False),
        ("b?t@*", "bot@x.y", True),
        ("b?t@*", "boot@x.y", False),
        ("*a*b*c", "xxaxxbxxc", True),
        ("*a*b*c", "xxaxxcxxb", False),
        ("bot@", "bot@x", False),
        ("b.t@x", "bot@x", False),
        ("***", "", True),
    ],
)
def test_a_pattern_matches_addresses(pattern: str, address: str, does: bool) -> None:
    assert matches_pattern(pattern, address) is does


def test_a_hostile_pattern_is_matched_quickly() -> None:
    assert not matches_pattern("*a" * 100 + "b", "a" * 254)


def test_criteria_are_parsed_or_refused() -> None:
    assert read_pattern(" Bot*@Spam.Example ") == "bot*@spam.example"
    assert (read_domain("Bücher.Example"), read_domain("x@mail.example")) == ("xn--bcher-kva.example", "mail.example")
    for reader, text in (
        (read_pattern, "*@*"),
        (read_pattern, "a" * 255),
        (read_domain, "no domain"),
        (read_domain, "x"),
    ):
        with pytest.raises(InputError):
            reader(text)
    criteria = Criteria(ids=(1, 2), pattern="bot*", since=START)
    assert unpack_criteria(pack_criteria(criteria)) == criteria
    assert criteria.matches("BOT@x.y")


def test_actions_come_back_as_they_were(
    appeal: AppealView, editor_scope: Scope, signatures: dict[str, list[int]]
) -> None:
    def all_actions() -> list[tuple[object, ...]]:
        rows = db.session.execute(select(*Action.__table__.c).order_by(Action.id)).all()
        db.session.rollback()
        return [tuple(row) for row in rows]

    before = all_actions()
    invalidation_id, _ = count_matches(Criteria(domain="spam.example"), editor_scope)
    call_with_reason(begin, invalidation_id, editor_scope)
    process_all(invalidation_id)
    assert len(all_actions()) == len(before) - 9
    call_with_reason(undo, invalidation_id, editor_scope)
    process_all(invalidation_id)
    assert all_actions() == before
