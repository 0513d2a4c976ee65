"""A wrong setting prevents the start, with its name and the reason in one line."""

from __future__ import annotations

import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from campaign.config import ROOT, SETTINGS, SettingsError, load
from tests.conftest import KEYS

BASE = {**KEYS, "TOCSIN_DATABASE_URL": "sqlite:///x.db"}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TOCSIN_DATABASE_URL", "mysql://x"),
        ("TOCSIN_SECRET_KEY", "short"),
        ("TOCSIN_SECRET_KEY", f"{'n' * 32},short"),
        ("TOCSIN_SECRET_KEY", f"{'n' * 32},"),
        ("TOCSIN_DATA_KEY", "AAAA"),
        ("TOCSIN_DATA_KEY", "no base64!"),
        ("TOCSIN_INDEX_KEY", "AAAA"),
        ("TOCSIN_BASE_URL", "act.example.org"),
        ("TOCSIN_MAIL_URL", "ftp://x"),
        ("TOCSIN_MAIL_URL", "smtp://h:port"),
        ("TOCSIN_MAIL_FROM", "nobody"),
        ("TOCSIN_MAIL_RATE", "many"),
        ("TOCSIN_MAIL_CONNECTIONS", "0"),
        ("TOCSIN_MAIL_CONNECTIONS", "65"),
        ("TOCSIN_BOUNCE_DOMAIN", "a.example\nBcc: b"),
        ("TOCSIN_QUEUE_URL", "amqp://x"),
        ("TOCSIN_LIMITS_URL", "x"),
        ("TOCSIN_CHALLENGE", "maybe"),
        ("TOCSIN_PROXIES", "-1"),
        ("TOCSIN_RETENTION_DAYS", "x"),
        ("TOCSIN_FONTS", "/no/such/folder"),
        ("TOCSIN_DEMO", "maybe"),
    ],
)
def test_a_wrong_setting_is_named(variable: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"^{variable}: "):
        load({**BASE, variable: value}, tmp_path)


@pytest.mark.parametrize("variable", KEYS)
def test_keys_are_required_outside_a_demonstration(variable: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"^{variable}: missing"):
        load({name: value for name, value in BASE.items() if name != variable}, tmp_path)


def test_a_demonstration_makes_keys_once_readable_by_the_owner_only(tmp_path: Path) -> None:
    first = load({"TOCSIN_DEMO": "1"}, tmp_path)
    assert load({"TOCSIN_DEMO": "1"}, tmp_path) == first
    for name in ("secret_key", "data_key", "index_key"):
        assert stat.S_IMODE((tmp_path / "instance" / name).stat().st_mode) == 0o600


def test_the_queue_follows_the_database(tmp_path: Path) -> None:
    assert load(BASE, tmp_path).queue_url == f"sqlite:///{tmp_path}/x-queue.db"
    url = "postgresql://u@/d?host=/tmp"
    assert load({**BASE, "TOCSIN_DATABASE_URL": url}, tmp_path).queue_url == "postgresql+psycopg://u@/d?host=/tmp"


def test_several_secret_keys_are_read_the_newest_first(tmp_path: Path) -> None:
    new, old = "n" * 32, "o" * 40
    assert load({**BASE, "TOCSIN_SECRET_KEY": f"{new}, {old}"}, tmp_path).secret_key == (new, old)


@pytest.mark.slow
def test_the_start_is_refused_in_one_line() -> None:
    command = [sys.executable, "-m", "flask", "appeal", "list"]
    environment = {**BASE, "TOCSIN_SECRET_KEY": "short", "PATH": "/usr/bin:/bin"}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert "TOCSIN_SECRET_KEY: give at least 32 characters" in result.stderr
    assert "Traceback" not in result.stderr


def test_every_setting_is_documented() -> None:
    documented = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(TOCSIN_\w+)` \| (.*?) \| (.*) \|$", documented, re.MULTILINE)
    assert [variable for variable, *_ in rows] == [setting.variable for setting in SETTINGS]
    for setting, (variable, default, meaning) in zip(SETTINGS, rows, strict=True):
        required = "required (a demonstration makes one)"
        assert default.strip("`") == (required if setting.default is None else setting.default), variable
        assert meaning.startswith(setting.meaning), variable
