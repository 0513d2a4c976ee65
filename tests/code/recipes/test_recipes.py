"""Each recipe names at most three places, its steps change only these, and following it is sufficient."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaign.config import ROOT
from tests.code.recipes.recipe import RECIPES, commands, edits, follow, places

MOST_PLACES = 3


def test_the_common_additions_have_a_recipe() -> None:
    assert RECIPES == [
        "add-a-channel",
        "add-a-document-label",
        "add-a-document-language",
        "add-a-language",
        "add-a-mail-message",
        "add-a-setting",
        "add-a-staff-page",
    ]


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_names_at_most_three_places_that_exist(name: str) -> None:
    assert 1 <= len(places(name)) <= MOST_PLACES
    for place in places(name):
        assert (ROOT / place).exists(), place


@pytest.mark.parametrize("name", RECIPES)
def test_the_steps_of_a_recipe_change_only_its_places(name: str) -> None:
    changed = {edit.path for edit in edits(name)} | {command[-1] + "/" for command in commands(name)[1:]}
    used = {place: {path for path in changed if path.startswith(place)} for place in places(name)}
    assert all(used.values()), used
    assert set().union(*used.values()) == changed


@pytest.mark.parametrize("name", RECIPES)
def test_each_step_of_a_recipe_finds_its_line(name: str) -> None:
    """Require that the anchor line of each step exists once; the slow test below follows the steps."""
    for edit in edits(name):
        if edit.kind != "new":
            lines = (ROOT / edit.path).read_text(encoding="utf-8").splitlines()
            assert [line.strip() for line in lines].count(edit.anchor) == 1, f"{edit.path}: {edit.anchor}"


# The gate follows one recipe, and checks the places and lines of all of them above.
@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "add-a-setting" else [pytest.mark.nightly]) for name in RECIPES]
)
def test_following_a_recipe_is_sufficient(name: str, tmp_path: Path) -> None:
    walked = follow(name, tmp_path)
    assert walked.returncode == 0, walked.stdout + walked.stderr
