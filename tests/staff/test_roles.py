"""Roles: each has the permissions of the lower ones, and sees personal data of its own section only."""

from __future__ import annotations

import pytest

from campaign.domain.errors import InputError
from campaign.domain.staff.roles import TWO_FACTOR_ROLES, Permission, Role, Scope, checked_role, may

ADDED_PERMISSIONS = {
    Role.VIEWER: {Permission.SEE_COUNTS},
    Role.EDITOR: {Permission.SEE_COUNTS, Permission.EDIT},
    Role.COORDINATOR: {Permission.SEE_COUNTS, Permission.EDIT, Permission.COORDINATE},
    Role.ADMIN: set(Permission),
}


@pytest.mark.parametrize("role", Role)
def test_a_role_has_its_permissions_and_no_more(role: Role) -> None:
    assert {permission for permission in Permission if may(role, permission)} == ADDED_PERMISSIONS[role]
    assert {permission for permission in Permission if Scope(1, role, "fr").may(permission)} == ADDED_PERMISSIONS[role]


def test_roles_that_see_names_need_a_second_factor() -> None:
    assert {role for role in Role if may(role, Permission.EDIT)} == TWO_FACTOR_ROLES


@pytest.mark.parametrize(("role", "section", "is_theirs"), [
    (Role.EDITOR, "fr", True), (Role.EDITOR, "be-fr", False), (Role.EDITOR, None, False), (Role.VIEWER, "fr", False),
    (Role.COORDINATOR, "be-fr", True), (Role.COORDINATOR, None, True), (Role.ADMIN, None, True),
])  # fmt: skip
def test_an_editor_writes_for_the_own_section_only(role: Role, section: str | None, *, is_theirs: bool) -> None:
    assert Scope(1, role, "fr").may_edit_for(section) is is_theirs


def test_an_unknown_role_is_named() -> None:
    assert checked_role("editor") is Role.EDITOR
    with pytest.raises(InputError) as error:
        checked_role("root")
    assert (error.value.field, error.value.code) == ("role", "unknown")
    assert str(error.value) == "no such role: root; one of viewer, editor, coordinator, admin"
