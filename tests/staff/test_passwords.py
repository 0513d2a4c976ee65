"""Passwords close to common ones are refused with an explanation wherever a password is chosen."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from campaign.web.staff.staff.passwords import is_guessed_soon
from tests.staff.staff_clients import PASSWORD, csrf, invitation_path

PERSONAL_WORDS = ["tocsin", "amnistie", "ana@staff.example"]


@pytest.mark.parametrize(
    "password",
    ["passwordpassword", "123456789012", "qwertyuiop123", "aaaaaaaaaaaaaaaa", "letmeinletmein", "amnistieamnistie",
     "ana@staff.example", "P@ssw0rdP@ssw0rd", "password" * 16],
)  # fmt: skip
def test_common_passwords_are_refused(password: str) -> None:
    assert is_guessed_soon(password, PERSONAL_WORDS)


@pytest.mark.parametrize("password", [PASSWORD, "kzT-8qq-wvX-2fh", "Тихая река под мостом", f"{PASSWORD} " * 5])
def test_a_password_may_have_any_characters(password: str) -> None:
    assert not is_guessed_soon(password, PERSONAL_WORDS)


def test_the_invitation_explains_a_refused_password(client: FlaskClient) -> None:
    link = invitation_path()
    page = client.get(link)
    for common in ("letmeinletmein", "ana@staff.example"):
        answer = client.post(link, data={"password": common, "csrf_token": csrf(page)})
        assert answer.status_code == 422
        assert "among the first that somebody would try" in answer.text
    assert client.post(link, data={"password": PASSWORD, "csrf_token": csrf(page)}).status_code == 303
