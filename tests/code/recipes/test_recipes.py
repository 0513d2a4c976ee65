"""Each recipe names at most three places, its steps change nothing beside them, and following it is enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaign.config import ROOT
from tests.code.recipes.recipe import RECIPES, commands, edits, places, walk

MOST_PLACES = 3


def test_there_is_a_recipe_for_what_is_added_most() -> None:
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
def test_its_steps_change_its_places_and_nothing_else(name: str) -> None:
    changed = {edit.path for edit in edits(name)} | {command[-1] + "/" for command in commands(name)[1:]}
    used = {place: {path for path in changed if path.startswith(place)} for place in places(name)}
    assert all(used.values()), used
    assert set().union(*used.values()) == changed


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_following_it_is_enough(name: str, tmp_path: Path) -> None:
    walked = walk(name, tmp_path)
    assert walked.returncode == 0, walked.stdout + walked.stderr
