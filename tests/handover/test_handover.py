"""Lists of signatures for handover: their names, digest and volumes, and signers who withdraw."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from pypdf import PdfReader
from sqlalchemy import func, select, update

from campaign import tasks
from campaign.config import LOCALES
from campaign.domain.errors import StateError
from campaign.domain.handover.handover import STALE_AFTER, HandoverState
from campaign.domain.privacy.retention import HANDOVERS
from campaign.domain.privacy.sealed_place import at_handover
from campaign.domain.staff.actor import SUPPORTER, staff_actor
from campaign.domain.staff.roles import Role, Scope
from campaign.models import Appeal, AppealText, Handover, HandoverPart
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.appeals.editor import text_values
from campaign.queries.handover.handover import file_of, handovers
from campaign.services.appeals.edit_text import store_version
from campaign.services.handover.handover import make_handover, queue_handover, waiting_handovers
from campaign.services.privacy.retention import purge_expired
from campaign.services.signing.consents import set_sharing
from campaign.services.signing.correct_signer import change_country
from campaign.services.signing.erase import erase
from campaign.services.signing.withdraw import withdraw
from tests.conftest import START, Clock, context
from tests.letter.letters import lines_of_pdf
from tests.signing.signatures import sign_numbered
from tests.staff.staff_clients import join_staff

# Only in the whole gate, because the quick part has to stay quick.
pytestmark = pytest.mark.slow


@pytest.fixture
def scope(app: Flask) -> Scope:
    return Scope(join_staff(app, "ana@staff.example", Role.EDITOR), Role.EDITOR, "fr")


def make_list(scope: Scope, appeal: AppealView, *, language: str = "en", volume: int = 3) -> int:
    app_runtime = runtime()
    number = queue_handover(
        appeal,
        language=language,
        target=1,
        reason="For the meeting",
        context=context(app_runtime.clock(), staff_actor(scope)),
    )
    watch = replace(app_runtime.settings, theme=replace(app_runtime.settings.theme, name="Watch"))
    by = replace(context(app_runtime.clock()), settings=watch)
    assert make_handover(number, clock=app_runtime.clock, context=by, volume_size=volume)
    return number


def files_of_newest(scope: Scope, appeal: AppealView) -> dict[str, bytes]:
    handover = handovers(scope, appeal.id)[0]
    return {name: b"".join(file_of(handover.id, name, runtime().vault)) for name in handover.files}


def text_of_pdf(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


def test_the_list_has_only_consenting_names_and_the_digest_of_its_file(
    app: Flask, appeal: AppealView, scope: Scope
) -> None:
    sign_numbered(appeal, "Ana Openly", 1, shares=True)
    sign_numbered(appeal, "Bob Quietly", 2)
    sign_numbered(appeal, "=Cleo", 3, shares=True)
    sign_numbered(appeal, "Dora Elsewhere", 4, "be-nl", shares=True)
    make_list(scope, appeal)
    handover = handovers(scope, appeal.id)[0]
    assert (handover.state, handover.signatures, handover.names) == ("done", 3, 2)
    both = files_of_newest(scope, appeal)
    names, pdf = "ana-ruiz-vega-fr-2026-03-01-names.csv", "ana-ruiz-vega-fr-2026-03-01.pdf"
    assert set(both) == {names, pdf}
    listed, paper = both[names], both[pdf]
    rows = csv.DictReader(io.StringIO(listed.decode("utf-8-sig"), newline=""))
    assert [row["name"] for row in rows] == ["Ana Openly", "'=Cleo"]
    assert hashlib.sha256(listed).hexdigest() == handover.sha256
    text = text_of_pdf(paper)
    assert handover.sha256 in text.replace("\n", "")
    assert names in text.replace("\n", "")
    assert "Ana Openly" in text
    assert "=Cleo" in text
    assert "Quietly" not in text
    assert "Elsewhere" not in text
    assert "Pedro Alba Montes" in text
    assert "3 people have signed the letter below with Watch, France." in text
    assert "In all countries together, 4 people" in text


def test_a_long_name_stays_in_its_column(app: Flask, appeal: AppealView, scope: Scope) -> None:
    for number, name in enumerate(("W" * 200, "Ana Short", "Ш" * 200, "Bob Short"), 1):
        sign_numbered(appeal, name, number, shares=True)
    make_list(scope, appeal)
    pdf = next(content for name, content in files_of_newest(scope, appeal).items() if name.endswith(".pdf"))
    column = (210 - 22 - 18 - 2 * 5) / 3
    places = [(text.replace("\u200b", ""), place) for text, place in lines_of_pdf(pdf, 1)]
    lines = [(text, left, right) for text, (left, _, right, _) in places if "WWW" in text or "ШШШ" in text]
    assert len(lines) > 10
    for text, left, right in lines:
        assert right <= left - (left - 22) % (column + 5) + column + 0.5, text
    text = text_of_pdf(pdf).replace("\n", "").replace("\u200b", "")
    assert "W" * 200 in text
    assert "Ш" * 200 in text


def test_the_letter_says_how_many_signed_an_earlier_wording(app: Flask, appeal: AppealView, scope: Scope) -> None:
    sign_numbered(appeal, "Ana Early", 1)
    sign_numbered(appeal, "Bob Early", 2)
    make_list(scope, appeal)
    assert "earlier wording" not in printed_text(scope, appeal)
    rewrite("I fear for the  life of Ana Ruiz Vega.")
    make_list(scope, appeal)
    assert "earlier wording" not in printed_text(scope, appeal), "a changed space makes no new wording"
    rewrite("Set Ana Ruiz Vega free.")
    sign_numbered(appeal, "Cleo Late", 3, version=3)
    make_list(scope, appeal)
    text = printed_text(scope, appeal)
    assert "3 people have signed the letter below" in text
    assert "2 of these signatures were given to an earlier wording of the letter." in text


def rewrite(paragraph: str) -> None:
    """Replace the first paragraph of the English letter."""
    with transaction() as session:
        text = session.scalars(select(AppealText).where(AppealText.is_current)).one()
        appeal = session.get_one(Appeal, text.appeal_id)
        words = text_values(text) | {"paragraphs": [paragraph, *text.paragraphs[1:]]}
        store_version(session, appeal, text.language, words, text, START)


def printed_text(scope: Scope, appeal: AppealView) -> str:
    """Return the text of the newest list's PDF as one line."""
    pdf = next(content for name, content in files_of_newest(scope, appeal).items() if name.endswith(".pdf"))
    return " ".join(text_of_pdf(pdf).split())


def test_a_long_list_has_volumes_that_hold_each_name_once(app: Flask, appeal: AppealView, scope: Scope) -> None:
    for number in range(7):
        sign_numbered(appeal, f"Signer Number{number:02}", number, shares=True)
    make_list(scope, appeal, volume=3)
    both = files_of_newest(scope, appeal)
    volumes = [both[name] for name in sorted(both) if name.endswith(".pdf")]
    assert len(volumes) == 3
    whole = "".join(map(text_of_pdf, volumes))
    assert [whole.count(f"Number{number:02}") for number in range(7)] == [1] * 7
    assert "Volume 2 of 3" in text_of_pdf(volumes[1])
    listed = next(content for name, content in both.items() if name.endswith(".csv"))
    assert len(list(csv.reader(io.StringIO(listed.decode("utf-8-sig"))))) == 8
    assert hashlib.sha256(listed).hexdigest() == handovers(scope, appeal.id)[0].sha256


@pytest.mark.parametrize("language", LOCALES)
def test_the_letter_of_an_empty_list_says_so_in_every_printable_language(
    app: Flask, appeal: AppealView, scope: Scope, language: str
) -> None:
    sign_numbered(appeal, "Bob Quietly", 2)
    make_list(scope, appeal, language=language)
    handover = handovers(scope, appeal.id)[0]
    assert (handover.state, handover.names) in {("done", 0), ("failed", None)}
    assert (handover.state == "failed") == (language == "ar"), "Arabic needs a configured font"


def test_an_unprintable_name_is_in_the_file(app: Flask, appeal: AppealView, scope: Scope) -> None:
    sign_numbered(appeal, "王小明", 1, shares=True)
    sign_numbered(appeal, "Ana Openly", 2, shares=True)
    make_list(scope, appeal)
    both = files_of_newest(scope, appeal)
    text = text_of_pdf(next(content for name, content in both.items() if name.endswith(".pdf")))
    assert "1. (in the file)" in text
    assert "2. Ana Openly" in text
    assert "王小明" in next(content for name, content in both.items() if name.endswith(".csv")).decode()


def test_an_appeal_with_initials_only_hands_over_initials(app: Flask, appeal: AppealView, scope: Scope) -> None:
    with transaction() as session:
        session.execute(update(Appeal).values(initials_only=True))
    sign_numbered(appeal, "Ana Openly", 1, shares=True)
    make_list(scope, appeal)
    whole = b"".join(files_of_newest(scope, appeal).values())
    assert b"A. O." in whole
    assert b"Openly" not in whole


@pytest.mark.parametrize(
    "leave",
    [
        lambda number: withdraw(number, context=context(actor=SUPPORTER)),
        lambda number: erase(number, context=context(actor=SUPPORTER)),
        lambda number: set_sharing(number, is_wanted=False, context=context(actor=SUPPORTER)),
        lambda number: change_country(number, country="BE", section_code="be-nl", context=context(actor=SUPPORTER)),
    ],
)
def test_a_signer_who_leaves_is_removed_from_the_list_at_once(
    app: Flask, appeal: AppealView, scope: Scope, leave: Callable[[int], None]
) -> None:
    number = sign_numbered(appeal, "Ana Openly", 1, shares=True)
    other = sign_numbered(appeal, "Bob Quietly", 2)
    make_list(scope, appeal)
    withdraw(other, context=context(actor=SUPPORTER))
    assert handovers(scope, appeal.id)[0].state == "done"
    leave(number)
    assert handovers(scope, appeal.id)[0].state == "outdated"
    assert db.session.execute(select(func.count()).select_from(HandoverPart)).scalar_one() == 0
    make_list(scope, appeal)
    assert handovers(scope, appeal.id)[0].names == 0


def test_two_clicks_make_one_list(app: Flask, appeal: AppealView, scope: Scope) -> None:
    app_runtime = runtime()
    number = queue_handover(
        appeal, language="en", target=1, reason="For the meeting", context=context(START, staff_actor(scope))
    )
    with pytest.raises(StateError):
        queue_handover(
            appeal, language="en", target=1, reason="For the meeting", context=context(START, staff_actor(scope))
        )
    assert make_handover(number, clock=app_runtime.clock, context=context(app_runtime.clock()))
    assert not make_handover(number, clock=app_runtime.clock, context=context(app_runtime.clock()))


def test_the_list_of_a_failed_worker_is_started_again(
    app: Flask, appeal: AppealView, scope: Scope, clock: Clock, sync_database_clock: Callable[[], None]
) -> None:
    sign_numbered(appeal, "Ana Openly", 1, shares=True)
    app_runtime = runtime()
    number = queue_handover(
        appeal, language="en", target=1, reason="For the meeting", context=context(START, staff_actor(scope))
    )
    assert waiting_handovers(START) == [number]
    with transaction() as session:
        session.execute(update(Handover).values(state=HandoverState.RUNNING.value))
        sealed = app_runtime.vault.seal_file(b"x", at_handover(number, "half"))
        session.add(HandoverPart(handover_id=number, name="half", content_sealed=sealed))
    assert waiting_handovers(START) == []
    clock.now += STALE_AFTER + timedelta(seconds=1)
    assert waiting_handovers(clock.now) == [number]
    sync_database_clock()
    tasks.make_handovers()
    handover = handovers(scope, appeal.id)[0]
    assert handover.state == "done"
    assert "half" not in handover.files


def test_lists_are_deleted_after_some_days(app: Flask, appeal: AppealView, scope: Scope, clock: Clock) -> None:
    sign_numbered(appeal, "Ana Openly", 1, shares=True)
    make_list(scope, appeal)
    clock.now += HANDOVERS + timedelta(minutes=1)
    purge_expired(may_continue=lambda: True, context=context(clock.now))
    for model in (Handover, HandoverPart):
        assert db.session.execute(select(func.count()).select_from(model)).scalar_one() == 0
