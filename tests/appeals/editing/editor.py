"""The actions of the editing tests in a staff browser: send, upload, read a form back, publish."""

from __future__ import annotations

import html
import io
import re
from typing import Any

from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from tests.conftest import DOCUMENT
from tests.staff.staff_clients import csrf

SLUG = "ua-7-26"

DRAFT_PAGE = f"/staff/appeals/{SLUG}"


def send_form(desk: FlaskClient, path: str, **fields: Any) -> TestResponse:
    token = csrf(desk.get("/staff/account"))
    # Encoded here, because the test client leaves its own temporary file of a large body open.
    boundary, body = encode_multipart({**fields, "csrf_token": token})
    return desk.post(path, data=body, content_type=f'multipart/form-data; boundary="{boundary}"')


def upload(
    desk: FlaskClient, content: bytes = DOCUMENT.encode(), name: str = "case.md", path: str = ""
) -> TestResponse:
    return send_form(desk, path or "/staff/appeals", document=FileStorage(io.BytesIO(content), name))


def form_values(page: TestResponse) -> dict[str, Any]:
    """Return the values of the page's main form, as a browser would send them."""
    text = page.text
    found: dict[str, Any] = {}
    for name, value in re.findall(r'<input id="[^"]+" name="([^"]+)" value="([^"]*)"', text):
        found.setdefault(name, []).append(html.unescape(value))
    for name, value in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>(.*?)</textarea>', text, re.DOTALL):
        found[name] = html.unescape(value)
    for name, body in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', text, re.DOTALL):
        found[name] = re.findall(r'value="([^"]*)" selected', body)
    for kind in ('type="hidden" name="seen"', 'id="deadline" name="deadline" type="date"'):
        match = re.search(rf'<input {kind} value="([^"]*)"', text)
        if match:
            found["seen" if "seen" in kind else "deadline"] = html.unescape(match[1])
    for name, value in re.findall(r'type="checkbox" name="([^"]+)" value="([^"]*)" checked', text):
        found.setdefault(name, []).append(value)
    return found


def as_lists(values: dict[str, Any]) -> dict[str, list[str]]:
    """Return each field's values as a list."""
    return {name: value if isinstance(value, list) else [value] for name, value in values.items()}


def confirm_draft(desk: FlaskClient, slug: str = SLUG) -> None:
    """Confirm all targets and doubts of the draft, as its page offers it."""
    page = desk.get(f"/staff/appeals/{slug}/edit").text
    keys = re.findall(r'name="doubt" value="(\w+)"', page)
    assert not keys or send_form(desk, f"/staff/appeals/{slug}/doubts", doubt=keys).status_code == 303
    targets = re.findall(r'/targets/(\d+)/confirm".*?name="seen" value="(\w+)"', page, re.DOTALL)
    assert targets
    for position, seen in targets:
        path = f"/staff/appeals/{slug}/targets/{position}/confirm"
        assert send_form(desk, path, seen=seen).status_code == 303


def publish(desk: FlaskClient) -> TestResponse:
    page = desk.get(f"{DRAFT_PAGE}/edit").text
    revision = re.search(r'name="revision" value="(\d+)"', page)
    return send_form(desk, f"{DRAFT_PAGE}/publish", revision=revision[1] if revision else "")
