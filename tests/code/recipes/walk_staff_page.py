"""The page of docs/developing/add-a-staff-page.md is open to staff, closed to others, and in the matrix of routes."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient

from campaign.domain.staff.roles import Role
from tests.staff.staff_clients import staff_client
from tests.staff.test_route_matrix import test_every_route_is_in_the_matrix as every_route_is_in_the_matrix


def test_staff_see_it(app: Flask) -> None:
    page = staff_client(app, Role.VIEWER).get("/staff/accounts/roles")
    assert page.status_code == 200
    assert "<h1>Role</h1>" in page.text
    assert "<li>Coordinator</li>" in page.text


def test_others_are_asked_to_log_in(client: FlaskClient) -> None:
    answer = client.get("/staff/accounts/roles")
    assert answer.status_code == 302
    assert "/staff/login" in answer.location


def test_it_is_in_the_matrix(app: Flask) -> None:
    every_route_is_in_the_matrix(app)
