"""Lighthouse reports nothing on a demonstration; skipped where Node, Chromium or the package is missing.

npm downloads the package, and CI may have no network, so the test may be skipped there too; the summary says why.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from campaign.config import ROOT
from tests.browser.conftest import CHROMIUM

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SCRIPT = ROOT / "docs" / "lighthouse.py"
CANNOT = 3


def run_lighthouse(address: str, **environ: str) -> subprocess.CompletedProcess[str]:
    # Other tests run at the same time, so the speed is not rated here; `make lighthouse` rates it too.
    command = [sys.executable, str(SCRIPT), address, "--timeless"]
    return subprocess.run(
        command, env={**os.environ, **environ}, capture_output=True, text=True, check=False, timeout=1200
    )


def test_lighthouse_reports_nothing_on_any_page(site: str) -> None:
    done = run_lighthouse(site, CHROME_PATH=CHROMIUM or "")
    if done.returncode == CANNOT:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == 5, "every page was rated"


def test_a_machine_without_node_is_told_why_nothing_ran(tmp_path: Path) -> None:
    done = run_lighthouse("http://127.0.0.1:1", PATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (CANNOT, "")
    assert "Lighthouse did not run: no Node (npx) found" in done.stderr


def test_a_machine_that_cannot_fetch_the_package_is_told_why_nothing_ran(tmp_path: Path) -> None:
    (tmp_path / "npx").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (tmp_path / "npx").chmod(0o755)
    done = run_lighthouse("http://127.0.0.1:1", PATH=str(tmp_path), CHROME_PATH="/bin/true")
    assert (done.returncode, done.stdout) == (CANNOT, "")
    assert "Lighthouse did not run: npm could not bring lighthouse@" in done.stderr
