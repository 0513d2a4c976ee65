"""The decision on a document: one test for each row of the table in `services/appeals/importing/decision.py`."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from flask import Flask

from campaign.document import DraftAppeal, parse_text
from campaign.domain.errors import (
    AppealExistsError,
    ImportQuestionError,
    InputError,
    StateError,
    UnconfirmedChangesError,
)
from campaign.platform import db
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.importing import decision
from campaign.services.appeals.lifecycle import close
from tests.appeals.importing.cases import (
    FIRST,
    LATER_UPDATE,
    PLAIN,
    SECOND,
    THIRD,
    TRANSLATED,
    UPDATE,
    imported,
    in_french,
    opened,
    other_words,
    slugs,
    stored_rows,
)
from tests.conftest import DOCUMENT, context

UNNAMED = replace(FIRST, reference=None)


def question(draft: DraftAppeal, **options: Any) -> tuple[str, str]:
    """Return the slug and the reason of the question; nothing was changed."""
    before = {slug: stored_rows(slug) for slug in slugs()}
    with pytest.raises(ImportQuestionError, match=r"--as-update .* or --as-correction") as asked:
        imported(draft, **options)
    assert {slug: stored_rows(slug) for slug in slugs()} == before
    return asked.value.slug, asked.value.reason


def test_new_slug(app: Flask) -> None:
    imported(FIRST)
    assert imported(FIRST, slug="ana").is_new
    report = imported(UPDATE, slug="ana-later")
    assert (report.slug, report.is_new, report.follows) == ("ana-later", True, "ua-7-26")


def test_same_document(app: Flask) -> None:
    opened(FIRST)
    imported(UPDATE)
    for draft, slug in ((FIRST, "ua-7-26"), (UPDATE, "ua-7-26-2")):
        for options in ({}, {"as_update": True}, {"as_correction": True}, {"slug": "ua-7-26"}):
            report = imported(draft, **options)
            assert (report.slug, report.is_new, report.changes) == (slug, False, ())
    assert slugs() == ["ua-7-26", "ua-7-26-2"]


@pytest.mark.parametrize(("draft", "slug"), [(PLAIN, "ua-7-26"), (UPDATE, "ua-7-26-2"), (THIRD, "ua-7-26-3")])
def test_no_case(app: Flask, draft: DraftAppeal, slug: str) -> None:
    report = imported(draft)
    assert (report.slug, report.is_new, report.follows) == (slug, True, None)


@pytest.mark.parametrize("draft", [other_words(PLAIN), other_words(FIRST), UPDATE, THIRD])
@pytest.mark.parametrize("options", [{}, {"slug": "ua-7-26"}])
def test_as_correction(app: Flask, draft: DraftAppeal, options: dict[str, str]) -> None:
    imported(PLAIN)
    report = imported(draft, as_correction=True, **options)
    assert (report.slug, report.is_new) == ("ua-7-26", False)
    assert "headline (en)" in {change.field for change in report.changes}
    assert stored_rows("ua-7-26")["appeal"][0]["sequence"] == 1
    assert imported(draft).changes == ()


def test_several_to_correct(app: Flask) -> None:
    imported(FIRST)
    imported(SECOND)
    with pytest.raises(InputError, match=r"--slug: ua-7-26, ua-7-26-2"):
        imported(LATER_UPDATE, as_correction=True)
    assert imported(LATER_UPDATE, as_correction=True, slug="ua-7-26-2").slug == "ua-7-26-2"
    assert imported(other_words(SECOND), as_correction=True).slug == "ua-7-26-2"


@pytest.mark.parametrize("options", [{}, {"slug": "ana"}])
def test_nothing_to_correct(app: Flask, options: dict[str, str]) -> None:
    with pytest.raises(InputError, match=r"no appeal .* to correct"):
        imported(FIRST, as_correction=True, **options)
    assert slugs() == []


@pytest.mark.parametrize("draft", [other_words(PLAIN), other_words(FIRST), UPDATE])
@pytest.mark.parametrize("options", [{}, {"slug": "ua-7-26"}])
def test_as_update(app: Flask, draft: DraftAppeal, options: dict[str, str]) -> None:
    opened(PLAIN)
    before = stored_rows("ua-7-26")
    report = imported(draft, as_update=True, **options)
    assert (report.slug, report.is_new, report.follows) == ("ua-7-26-2", True, "ua-7-26")
    assert stored_rows("ua-7-26") == before
    assert stored_rows("ua-7-26-2")["appeal"][0]["sequence"] == 2
    assert imported(replace(draft, headline="ONCE MORE"), as_update=True).slug == "ua-7-26-3"


@pytest.mark.parametrize("first", [FIRST, PLAIN])
@pytest.mark.parametrize("options", [{}, {"slug": "ana"}])
@pytest.mark.parametrize(
    "update",
    [UPDATE, in_french(UPDATE), replace(UPDATE, index=FIRST.index), replace(UPDATE, issued_on=FIRST.issued_on)],
)
def test_update(app: Flask, first: DraftAppeal, options: dict[str, str], update: DraftAppeal) -> None:
    slug = opened(first, **options)
    before = stored_rows(slug)
    report = imported(update, **options)
    assert (report.slug, report.is_new, report.state, report.follows) == (f"{slug}-2", True, "draft", slug)
    assert stored_rows(slug) == before


def test_update_of_a_closed_appeal(app: Flask) -> None:
    opened(FIRST)
    close("ua-7-26", context=context())
    assert imported(UPDATE).follows == "ua-7-26"
    with pytest.raises(StateError, match="closed"):
        imported(other_words(FIRST))


def test_translated_update(app: Flask) -> None:
    imported(FIRST)
    imported(UPDATE)
    for draft in (in_french(UPDATE), replace(in_french(UPDATE), language="es", index=None)):
        report = imported(draft)
        assert (report.slug, report.is_new, report.is_new_language) == ("ua-7-26-2", False, True)


def test_a_translation_with_the_index_of_the_first_is_not_the_next_issue(app: Flask) -> None:
    imported(FIRST)
    assert imported(replace(in_french(UPDATE), index=FIRST.index)).slug == "ua-7-26"


def test_later_update(app: Flask) -> None:
    imported(FIRST)
    imported(UPDATE)
    report = imported(LATER_UPDATE)
    assert (report.slug, report.is_new, report.follows) == ("ua-7-26-3", True, "ua-7-26-2")


@pytest.mark.parametrize(
    ("draft", "reason"),
    [
        (other_words(UPDATE), "unclear"),
        (replace(LATER_UPDATE, issued_on=None), "unclear"),
        (replace(LATER_UPDATE, issued_on=date(2026, 3, 1)), "older"),
        (replace(in_french(LATER_UPDATE), index=None), "unclear"),
    ],
)
def test_unclear_update(app: Flask, draft: DraftAppeal, reason: str) -> None:
    imported(FIRST)
    imported(UPDATE)
    assert question(draft) == ("ua-7-26-2", reason)


def test_plain_translation(app: Flask) -> None:
    imported(FIRST)
    imported(UPDATE)
    report = imported(in_french(PLAIN), slug="ua-7-26-2")
    assert (report.slug, report.is_new_language) == ("ua-7-26-2", True)


@pytest.mark.parametrize("draft", [other_words(FIRST), other_words(PLAIN), SECOND, in_french(FIRST)])
def test_below_the_slug(app: Flask, draft: DraftAppeal) -> None:
    imported(THIRD)
    assert question(draft, slug="ua-7-26-3") == ("ua-7-26-3", "older")


@pytest.mark.parametrize(
    ("draft", "slug", "follows"),
    [(FIRST, "ua-7-26", None), (PLAIN, "ua-7-26", None), (THIRD, "ua-7-26-3", "ua-7-26-2")],
)
def test_other_number(app: Flask, draft: DraftAppeal, slug: str, follows: str | None) -> None:
    imported(SECOND)
    before = stored_rows("ua-7-26-2")
    report = imported(draft)
    assert (report.slug, report.is_new, report.follows) == (slug, True, follows)
    after = stored_rows("ua-7-26-2")
    links = {"follows_id", "revision"}  # the later issue follows the first as soon as that one is there
    assert {name: value for name, value in after["appeal"][0].items() if name not in links} == {
        name: value for name, value in before["appeal"][0].items() if name not in links
    }
    assert {name: rows for name, rows in after.items() if name != "appeal"} == {
        name: rows for name, rows in before.items() if name != "appeal"
    }


@pytest.mark.parametrize("draft", [TRANSLATED, in_french(PLAIN), replace(in_french(SECOND), language="es")])
def test_further_language(app: Flask, draft: DraftAppeal) -> None:
    opened(FIRST)
    opened(SECOND)
    report = imported(draft)
    assert (report.is_new, report.is_new_language) == (False, True)
    assert report.slug == ("ua-7-26-2" if draft.sequence == 2 else "ua-7-26")


def test_other_case(app: Flask) -> None:
    imported(FIRST, slug="ana")
    assert question(replace(FIRST, reference="UA 8/26"), slug="ana") == ("ana", "other-case")


@pytest.mark.parametrize("draft", [FIRST, PLAIN, SECOND])
def test_older(app: Flask, draft: DraftAppeal) -> None:
    slug = imported(replace(draft, headline="NEWEST", issued_on=date(2026, 4, 20))).slug
    assert question(draft) == (slug, "older")
    assert imported(draft, as_correction=True).slug == slug


@pytest.mark.parametrize("draft", [FIRST, SECOND])
def test_correction(app: Flask, draft: DraftAppeal) -> None:
    slug = imported(draft).slug
    report = imported(other_words(draft))
    assert (report.slug, report.is_new, [change.field for change in report.changes]) == (slug, False, ["headline (en)"])


@pytest.mark.parametrize("first", [FIRST, PLAIN])
@pytest.mark.parametrize("options", [{}, {"slug": "ua-7-26"}])
def test_unclear(app: Flask, first: DraftAppeal, options: dict[str, str]) -> None:
    imported(first)
    assert question(other_words(PLAIN), **options) == ("ua-7-26", "unclear")


def test_each_row_of_the_table_has_a_test() -> None:
    rows = re.findall(r"^\| (?!row|---)([a-z ]+) \|", decision.__doc__ or "", re.MULTILINE)
    assert len(rows) == 18
    tests = {name.removeprefix("test_").replace("_", " ") for name in globals() if name.startswith("test_")}
    assert set(rows) <= tests


def test_without_a_reference_people_and_country_name_the_case(app: Flask) -> None:
    slug = opened(UNNAMED)
    before = stored_rows(slug)
    assert question(replace(UNNAMED, is_update=None, headline="CORRECTED")) == (slug, "unclear")
    report = imported(replace(UPDATE, reference=None))
    assert (report.slug, report.follows) == (f"{slug}-2", slug)
    later = imported(replace(LATER_UPDATE, reference=None))
    assert (later.slug, later.follows) == (f"{slug}-3", f"{slug}-2")
    assert imported(replace(UPDATE, reference=None)).changes == ()
    assert stored_rows(slug) == before


def test_without_people_the_link_to_the_previous_document_names_the_case(app: Flask) -> None:
    imported(FIRST, slug="ana")
    link = "https://www.example.org/en/documents/amr23/9001/2026/en/"
    report = imported(replace(UPDATE, reference=None, people=(), previous=link))
    assert (report.slug, report.follows) == ("ana-2", "ana")


def test_a_number_that_is_taken_is_skipped(app: Flask) -> None:
    imported(FIRST)
    imported(replace(FIRST, reference="UA 9/26"), slug="ua-7-26-2")
    report = imported(UPDATE)
    assert (report.slug, report.follows) == ("ua-7-26-3", "ua-7-26")


def test_an_open_appeal_changes_only_when_its_changes_were_confirmed(app: Flask) -> None:
    slug = opened(FIRST)
    before = stored_rows(slug)
    with pytest.raises(UnconfirmedChangesError, match="--yes") as unconfirmed:
        imported(other_words(FIRST))
    assert [(change.field, change.after) for change in unconfirmed.value.changes] == [("headline (en)", "CORRECTED")]
    with pytest.raises(UnconfirmedChangesError):
        imported(replace(FIRST, headline="OTHER WORDS"), is_confirmed=True, seen=unconfirmed.value.seen)
    assert stored_rows(slug) == before
    imported(other_words(FIRST), is_confirmed=True, seen=unconfirmed.value.seen)
    assert stored_rows(slug)["AppealText"][1]["headline"] == "CORRECTED"


def test_goal_and_deadline_that_were_given_need_no_confirmation(app: Flask) -> None:
    slug = opened(FIRST)
    report = imported(FIRST, goal=70, deadline=date(2026, 5, 1))
    assert {change.field for change in report.changes} == {"goal", "deadline"}
    assert stored_rows(slug)["appeal"][0]["goal"] == 70


def test_staff_make_new_appeals_only(app: Flask) -> None:
    imported(PLAIN)
    with pytest.raises(AppealExistsError):
        imported(PLAIN, is_new=True)
    with pytest.raises(AppealExistsError):
        imported(TRANSLATED, is_new=True)
    assert question(other_words(PLAIN), is_new=True) == ("ua-7-26", "unclear")
    assert imported(UPDATE, is_new=True).follows == "ua-7-26"


def test_staff_may_say_that_a_document_without_reference_is_another_case(app: Flask) -> None:
    plain = replace(UNNAMED, is_update=None)
    slug = imported(plain, is_new=True).slug
    assert question(other_words(plain), is_new=True) == (slug, "unclear")
    report = imported(other_words(plain), is_new=True, as_other_case=True)
    assert (report.slug, report.follows) == (f"{slug}-2", None)
    with pytest.raises(AppealExistsError):
        imported(other_words(plain), is_new=True, as_other_case=True)


@pytest.mark.parametrize(
    ("first", "draft", "options"),
    [
        (None, FIRST, {}),
        (None, FIRST, {"slug": "ana"}),
        (None, UNNAMED, {}),
        (FIRST, UPDATE, {}),
        (FIRST, PLAIN, {"as_update": True}),
    ],
)
def test_two_imports_at_once_make_one_appeal(
    app: Flask, first: DraftAppeal | None, draft: DraftAppeal, options: dict[str, Any]
) -> None:
    if first is not None:
        imported(first)
    start = threading.Barrier(4)

    def import_in_thread() -> bool:
        with app.app_context():
            start.wait()
            report = import_draft(other_words(draft), ImportOptions(**options), context=context())
            db.session.remove()
            return report.is_new

    with ThreadPoolExecutor(4) as pool:
        made = [future.result() for future in [pool.submit(import_in_thread) for _ in range(4)]]
    assert sorted(made) == [False, False, False, True]
    assert len(slugs()) == (1 if first is None else 2)


def test_two_uploads_at_once_make_one_appeal(app: Flask) -> None:
    start = threading.Barrier(4)

    def upload_in_thread() -> str:
        with app.app_context():
            start.wait()
            try:
                return import_draft(FIRST, ImportOptions(is_new=True), context=context()).slug
            except AppealExistsError as error:
                return f"there is {error.slug}"
            finally:
                db.session.remove()

    with ThreadPoolExecutor(4) as pool:
        made = [future.result() for future in [pool.submit(upload_in_thread) for _ in range(4)]]
    assert sorted(made) == [*["there is ua-7-26"] * 3, "ua-7-26"]


@pytest.mark.parametrize(
    ("text", "is_update"),
    [
        (DOCUMENT, False),
        (DOCUMENT.replace("First UA:", "UA:"), None),
        (DOCUMENT.replace("First UA:", "Second UA:"), True),
        (DOCUMENT.replace("First UA:", "Further information on UA:"), True),
        (DOCUMENT.replace("First UA:", "UA:").replace("# URGENT ACTION", "# URGENT ACTION UPDATE"), True),
        (DOCUMENT.replace("First UA:", "UA:").replace("## TEACHER", "## UPDATE: TEACHER"), True),
        (DOCUMENT.replace("First UA:", "UA:").replace("## ADDITIONAL", "## UPDATE 2\n\n## ADDITIONAL"), True),
        (DOCUMENT.replace("First UA:", "UA:") + "\nThis is the third update of UA 7/26.\n", True),
        (DOCUMENT.replace("First UA:", "UA:").replace("N/A", "https://example.org/AMR23/8001/2025/en/"), True),
        (DOCUMENT.replace("First UA:", "UA:") + "\nFor further information, see our updates.\n", None),
        (DOCUMENT.replace("## ADDITIONAL", "## UPDATE\n\n## ADDITIONAL"), None),
    ],
)
def test_a_document_says_that_it_is_an_update_in_any_of_its_lines(text: str, is_update: bool | None) -> None:
    assert parse_text(text).is_update is is_update
