"""The shipped units of systemd: valid, hardened, and without folders that nothing creates."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from campaign import worker
from campaign.config import ROOT

UNITS = sorted((ROOT / "deploy").glob("*.service"))
# The exposure by `systemd-analyze security`; 10 is a service without any hardening, and 2 is "OK".
MOST_EXPOSED = 2.0


def values(unit: Path, key: str) -> list[str]:
    """Return the unit's values for this key."""
    return re.findall(rf"^{key}=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_is_hardened(unit: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        assert "CI" not in os.environ, "CI installs systemd (.ci/run)"
        pytest.skip("systemd is not installed")
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    match = re.search(r"exposure level for \S+: ([\d.]+)", result.stdout)
    assert match, result.stdout + result.stderr
    assert float(match[1]) <= MOST_EXPOSED, result.stdout
    assert "Unknown" not in result.stderr, result.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_writes_only_where_a_folder_is_made_for_it(unit: Path) -> None:
    assert values(unit, "StateDirectory") == ["tocsin"]
    assert values(unit, "StateDirectoryMode") == ["0700"]
    assert values(unit, "UMask") == ["0077"]
    # A missing path prevents the start, unless it begins with "-".
    assert all(path.startswith("-") for line in values(unit, "ReadWritePaths") for path in line.split())


def test_a_service_restarts_however_often_it_ends() -> None:
    for unit in UNITS:
        if values(unit, "Type") == ["oneshot"]:
            continue
        assert values(unit, "Restart") == ["always"], unit
        assert values(unit, "RestartSec"), unit
        assert values(unit, "StartLimitIntervalSec") == ["0"], unit


def test_a_reload_asks_gunicorn_for_one() -> None:
    assert values(ROOT / "deploy" / "tocsin-web.service", "ExecReload") == ["/bin/kill -HUP $MAINPID"]


def test_systemd_ends_a_worker_after_its_own_watchdog_and_before_its_leases_end() -> None:
    unit = ROOT / "deploy" / "tocsin-worker.service"
    assert values(unit, "Type") == ["notify"]
    assert values(unit, "NotifyAccess") == ["main"]
    assert values(unit, "TimeoutStartSec") == ["infinity"]
    assert values(unit, "WatchdogSec") == ["90"]
    assert worker._MAX_ROUND_SECONDS == 60
