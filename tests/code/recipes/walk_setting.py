"""The setting of docs/developing/add-a-setting.md is read, checked and documented."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaign.config import SettingsError, load
from tests.conftest import KEYS
from tests.platform.test_config import test_every_setting_is_documented as documented

BASE = {**KEYS, "TOCSIN_DATABASE_URL": "sqlite:///x.db"}


def test_it_has_its_default_and_takes_a_value(tmp_path: Path) -> None:
    assert getattr(load(BASE, tmp_path), "list_length") == 50  # noqa: B009  only the walk's copy has it
    assert getattr(load({**BASE, "TOCSIN_LIST_LENGTH": "20"}, tmp_path), "list_length") == 20  # noqa: B009


def test_a_wrong_value_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^TOCSIN_LIST_LENGTH: give a whole number"):
        load({**BASE, "TOCSIN_LIST_LENGTH": "many"}, tmp_path)


def test_it_is_documented() -> None:
    documented()
