"""The comparison of document and result: lines with their fields, moves, and confirmations in a staff browser."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from campaign.domain.staff.roles import Role
from campaign.platform import db
from campaign.queries.appeals.editor import AppealForEditing, find_for_editing
from campaign.services.appeals.edit_targets import write_target
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from campaign.web.staff.appeals import comparison
from tests.appeals.editing.editor import confirm_draft, form_values, send_form
from tests.appeals.editing.merged_targets import DRAFT, LINES, SLUG, import_merged
from tests.conftest import context
from tests.staff.staff_clients import staff_client

# Only in the whole gate; the quick part has enough tests of the staff pages.
pytestmark = pytest.mark.slow
PAGE = f"/staff/appeals/{SLUG}"


@pytest.fixture
def merged(app: Flask) -> str:
    return import_merged()


def stored() -> AppealForEditing:
    db.session.rollback()
    found = find_for_editing(SLUG)
    assert found is not None
    return found


def move(desk: FlaskClient, **fields: object) -> TestResponse:
    seen = form_values(desk.get(f"{PAGE}/comparison"))["seen"]
    return send_form(desk, f"{PAGE}/comparison", **{"language": "en", "seen": seen, **fields})


def item(page: str, number: int) -> str:
    """Return the list item of that line."""
    start = page.index(f'<li id="line-en-{number}"')
    return page[start : page.index("</li>", start)]


def doubt_keys(page: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r'name="doubt" value="(\w+)"', page)))


def seen_target(page: str) -> str:
    match = re.search(r'/targets/1/confirm".*?name="seen" value="(\w+)"', page, re.DOTALL)
    assert match
    return match[1]


def test_each_line_is_marked_with_its_field_in_colour_and_word(merged: str, coordinator: FlaskClient) -> None:
    page = coordinator.get(f"{PAGE}/comparison").text
    assert '<a class="mark hue-1" href="#field-1-role">Target 1: Role</a>' in item(page, 3)
    both = (
        '<a class="mark hue-1" href="#field-1-emails">Target 1: E-mail</a><a class="mark hue-1" href="#field-1-faxes">'
    )
    assert both in item(page, 10)
    assert '<a class="mark hue-text" href="#field-headline">Headline</a>' in item(page, 2)
    assert '<span class="mark hue-none">In no field</span>' in item(page, 1)
    assert 'id="line-en-11"' not in page  # a blank line
    role = page[page.index('id="field-1-role"') :]
    assert role.index('href="#line-en-3"') < role.index("Minister of the Interior")


def test_every_link_within_the_page_leads_somewhere(merged: str, coordinator: FlaskClient) -> None:
    for path in ("comparison", "edit"):
        page = coordinator.get(f"{PAGE}/{path}").text
        ids = re.findall(r'\bid="([^"]+)"', page)
        assert len(ids) == len(set(ids))
        assert set(re.findall(r'href="#([^"]+)"', page)) - set(ids) == set()


def test_a_document_without_doubts_links_to_none(app: Flask, coordinator: FlaskClient) -> None:
    import_draft(replace(DRAFT, warnings=()), ImportOptions(slug=SLUG), context=context(), lines=LINES)
    page = coordinator.get(f"{PAGE}/comparison").text
    assert 'href="#doubt' not in page
    assert set(re.findall(r'href="#([^"]+)"', page)) - set(re.findall(r'\bid="([^"]+)"', page)) == set()


def test_a_doubt_leads_to_its_lines_and_back(merged: str, coordinator: FlaskClient) -> None:
    page = coordinator.get(f"{PAGE}/comparison").text
    back = re.search(r'href="#(doubt-\w+)">Doubt', item(page, 10))
    assert back
    doubt = page[page.index(f'id="{back[1]}"') :]
    doubt = doubt[: doubt.index("</div>")]
    assert re.findall(r'href="#line-en-(\d+)"', doubt) == ["7", "10"]
    editor_page = coordinator.get(f"{PAGE}/edit").text
    assert f'href="/staff/appeals/{SLUG}/comparison?language=en&amp;first=1#line-en-7"' in editor_page


def test_notes_stand_beside_their_target(merged: str, coordinator: FlaskClient) -> None:
    page = coordinator.get(f"{PAGE}/comparison").text
    target = page[page.index('id="target-1"') : page.index("This is right")]
    assert '<q dir="auto">Please send copies to your section.</q>' in target


def test_one_line_moves_with_its_own_list(merged: str, coordinator: FlaskClient) -> None:
    answer = move(coordinator, line="7", **{"to-7": "note", "to": "headline"})
    assert answer.location == f"{PAGE}/comparison?language=en#line-en-7"
    assert stored().targets[1]["words"]["en"]["address"] == ["Calle Ejemplo 1", "Lucía Rey Paz", "Carrera Muestra 9"]
    assert "In no field" in item(coordinator.get(answer.location).text, 7)


def test_several_ticked_lines_make_a_new_target(merged: str, coordinator: FlaskClient) -> None:
    answer = move(coordinator, lines=["7", "8", "9", "10"], to="targets.0")
    assert answer.location == f"{PAGE}/comparison?language=en#target-2"
    page = coordinator.get(answer.location).text
    assert "<h3>Target 2: Attorney General</h3>" in page
    assert "hue-2" in item(page, 8)
    assert answer.status_code == 303


def test_the_button_of_a_field_takes_the_ticked_lines(merged: str, coordinator: FlaskClient) -> None:
    move(coordinator, lines=["15"], to="", here="summary")
    assert stored().words["en"]["summary"] == "Please send copies to your section."


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"to": "note"}, "Choose at least one line."),
        ({"lines": ["7"], "to": ""}, "Choose a field."),
        ({"lines": ["5"], "to": "targets.1.emails"}, "This line has no such address or number."),
        ({"lines": ["7"], "to": "targets.9"}, "Please choose from the list."),
    ],
)
def test_a_refused_move_shows_the_reason_and_keeps_the_ticks(
    merged: str, coordinator: FlaskClient, fields: dict[str, object], words: str
) -> None:
    answer = move(coordinator, **fields)
    assert answer.status_code == 422
    assert f'role="alert" id="move-wrong">{words}' in answer.text
    ticked = re.findall(r'name="lines" value="(\d+)" id="tick-\d+" checked', answer.text)
    assert ticked == fields.get("lines", [])
    bar = answer.text[answer.text.index('<select id="to"') :]
    chosen = re.findall(r'value="([^"]+)" selected', bar[: bar.index("</select>")])
    assert chosen == [to for to in [fields["to"]] if to and to != "targets.9"]


def test_a_move_after_a_colleagues_edit_is_refused_and_shows_the_page_as_it_is(
    merged: str, coordinator: FlaskClient
) -> None:
    seen = form_values(coordinator.get(f"{PAGE}/comparison"))["seen"]
    values = stored().targets[1]
    write_target(SLUG, 1, {**values, "phones": ["+57 1 555 0199"]}, values, context=context())
    answer = move(coordinator, lines=["7"], to="targets.0", seen=seen)
    assert answer.status_code == 409
    assert "Someone else changed this while you were reading" in answer.text
    assert "+57 1 555 0199" in answer.text
    assert list(stored().targets) == [1]
    assert move(coordinator, lines=["7"], to="targets.0", seen="damaged").status_code == 409


def test_a_target_is_confirmed_with_its_ticked_doubts(merged: str, coordinator: FlaskClient) -> None:
    page = coordinator.get(f"{PAGE}/comparison").text
    confirm = {"language": "en", "seen": seen_target(page)}
    about_none, about_target = doubt_keys(page)
    refused = send_form(coordinator, f"{PAGE}/targets/1/confirm", **confirm)
    assert refused.status_code == 422
    assert "Tick each doubt about this target first." in refused.text
    answer = send_form(coordinator, f"{PAGE}/targets/1/confirm", **confirm, doubt=[about_target])
    assert answer.location == f"{PAGE}/comparison?language=en#next"
    page = coordinator.get(answer.location).text
    assert "Confirmed by coordinator.be-nl@staff.example on" in page
    assert doubt_keys(page) == [about_none]
    answer = send_form(coordinator, f"{PAGE}/doubts", language="en", doubt=[about_none])
    assert answer.location == f"{PAGE}/comparison?language=en#doubts"
    assert doubt_keys(coordinator.get(f"{PAGE}/comparison").text) == []


def test_confirming_leads_to_the_next_target(merged: str, coordinator: FlaskClient) -> None:
    move(coordinator, lines=["9", "10"], to="targets.0")
    page = coordinator.get(f"{PAGE}/comparison").text
    sent = {"language": "en", "seen": seen_target(page), "doubt": doubt_keys(page)}
    assert send_form(coordinator, f"{PAGE}/targets/1/confirm", **sent).location.endswith("#target-2")


def test_a_target_that_changed_meanwhile_is_not_confirmed(merged: str, coordinator: FlaskClient) -> None:
    for path in ("edit", "comparison"):
        page = coordinator.get(f"{PAGE}/{path}").text
        language = "en" if path == "comparison" else ""
        sent = {"language": language, "seen": seen_target(page), "doubt": doubt_keys(page)}
        values = stored().targets[1]
        write_target(SLUG, 1, {**values, "phones": [f"+57 1 555 {len(path)}"]}, values, context=context())
        answer = send_form(coordinator, f"{PAGE}/targets/1/confirm", **sent)
        assert answer.status_code == 409
        assert "Someone else changed this while you were reading" in answer.text
    assert stored().confirmations == {}


def test_doubts_stand_first_where_publishing_is_asked_for(merged: str, coordinator: FlaskClient) -> None:
    page = coordinator.get(f"{PAGE}/edit").text
    assert page.index('id="doubts"') < page.index("Still missing:")
    assert "Nothing is missing." not in page
    assert "2 doubts have not been looked at." in page
    assert "Nobody has confirmed this target:" in page
    assert "Ask for it to be published" not in page
    confirm_draft(coordinator, SLUG)
    page = coordinator.get(f"{PAGE}/edit").text
    assert "Nothing is missing." in page
    # The second person sees what was in doubt, and who has looked at it.
    assert page.index('id="doubts"') < page.index("Ask for it to be published")
    assert page.count("Confirmed by coordinator.be-nl@staff.example on") == 4


def test_a_request_for_publishing_is_refused_by_the_service(merged: str, coordinator: FlaskClient) -> None:
    assert send_form(coordinator, f"{PAGE}/request-review").status_code == 422
    assert stored().review_requested_at is None


def test_the_forms_of_target_and_text_lead_back_to_the_comparison(merged: str, coordinator: FlaskClient) -> None:
    for path, anchor in (("targets/1", "target-1"), ("texts/en", "result")):
        link = f"{PAGE}/{path}?back=en"
        assert link in coordinator.get(f"{PAGE}/comparison").text
        page = coordinator.get(link)
        assert f'<a href="{PAGE}/comparison?language=en">Back without keeping</a>' in page.text
        answer = send_form(coordinator, f"{PAGE}/{path}", **form_values(page), back="en")
        assert answer.location == f"{PAGE}/comparison?language=en#{anchor}"
        assert "/edit" in send_form(coordinator, f"{PAGE}/{path}", **form_values(page), back="xx").location


def test_others_look_and_change_nothing(app: Flask, merged: str, coordinator: FlaskClient) -> None:
    keys = doubt_keys(coordinator.get(f"{PAGE}/comparison").text)
    viewer = staff_client(app, Role.VIEWER)
    page = viewer.get(f"{PAGE}/comparison").text
    assert "Not confirmed yet" in page
    assert '<form method="post" action="/staff/appeals/' not in page.replace(f'{PAGE}/comparison" id="move"', "")
    assert "<button" not in page[page.index("<main") :]
    editor = staff_client(app, Role.EDITOR, "be-fr")
    for path in ("comparison", "doubts", "targets/1/confirm"):
        assert send_form(editor, f"{PAGE}/{path}", language="en", doubt=keys).status_code == 404
    assert stored().confirmations == {}


def test_an_open_appeal_is_compared_and_not_changed(merged: str, coordinator: FlaskClient) -> None:
    publish(SLUG, context=context())
    page = coordinator.get(f"{PAGE}/comparison").text
    assert "Target 1: Role" in page
    assert "This is right" not in page
    assert send_form(coordinator, f"{PAGE}/comparison", language="en", line="7", **{"to-7": "note"}).status_code == 422


def test_an_appeal_without_a_document_has_no_comparison(coordinator: FlaskClient, merged: str) -> None:
    assert coordinator.get(f"{PAGE}/comparison?language=de").status_code == 404
    assert coordinator.get("/staff/appeals/nobody/comparison").status_code == 404


def test_a_long_document_has_several_pages(
    app: Flask, coordinator: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "PAGE_LINES", 6)
    import_merged()
    first = coordinator.get(f"{PAGE}/comparison").text
    assert re.findall(r'<li id="line-en-(\d+)"', first) == ["1", "2", "3", "4", "5", "6"]
    link = re.search(r'href="([^"]+first=7)">Further lines, from 7', first)
    assert link
    second = coordinator.get(html.unescape(link[1])).text
    assert re.findall(r'<li id="line-en-(\d+)"', second) == ["7", "8", "9", "10", "12", "13"]
    assert "From the beginning" in second


def test_many_targets_have_one_list_above_the_lines(
    app: Flask, coordinator: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "MAX_LINE_OPTIONS", 10)
    import_merged()
    page = coordinator.get(f"{PAGE}/comparison").text
    assert 'name="to-3"' not in page
    assert '<select id="to" name="to">' in page


def test_lines_of_a_document_are_text_and_no_markup(app: Flask, coordinator: FlaskClient) -> None:
    import_draft(
        DRAFT, ImportOptions(slug=SLUG), context=context(), lines=("<script>x</script>", '"><img src=x>', *LINES[2:])
    )
    page = coordinator.get(f"{PAGE}/comparison").text
    assert "<script>x" not in page
    assert "<img" not in page
    assert "&lt;script&gt;x" in page
