"""The gate's time: a folder that takes more than its share is refused, and each folder has a share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.durations import budget, exceeded_shares, folder_seconds

TESTS = Path(__file__).parent.parent


def test_a_folder_beyond_its_share_and_the_margin_is_named() -> None:
    seconds = {"signing": 63.0, "mail": 37.0}
    assert exceeded_shares(seconds, {"signing": 40.0, "mail": 60.0}, 1.5) == [
        "tests/signing took 63.0 % of the time, and its share is 40 %"
    ]
    assert exceeded_shares(seconds, {"signing": 41.0, "mail": 59.0}, 1.5) == []


def test_a_folder_without_a_share_is_named() -> None:
    assert exceeded_shares({"new": 1.0}, {}, 1.5) == ["tests/new took 100.0 % of the time, and its share is 0 %"]


def test_the_seconds_of_tests_are_added_up_by_folder() -> None:
    durations = {
        "tests/mail/test_a.py::test_x": 1.0,
        "tests/mail/b/test_c.py::test_y": 2.0,
        "tests/web/test_d.py::z": 4.0,
    }
    assert folder_seconds(durations) == {"mail": 3.0, "web": 4.0}


def test_each_folder_of_tests_has_a_share_and_the_shares_are_the_whole() -> None:
    shares, _ = budget()
    folders = {path.relative_to(TESTS).parts[0] for path in TESTS.rglob("test_*.py")}
    assert set(shares) == folders
    assert sum(shares.values()) == pytest.approx(100)
