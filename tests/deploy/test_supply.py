"""Packages for running and testing: each is pinned to the hashes of files that were reviewed."""

from __future__ import annotations

import re

from campaign.config import ROOT
from tests.attack import Figure


def test_every_package_is_pinned_with_its_hashes(figure: Figure) -> None:
    pinned, loose = 0, []
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        for entry in path.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
            if not entry.strip():
                continue
            pinned += 1
            if not re.fullmatch(r"[\w.-]+==[\w.!+]+( ; [^#]+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*", entry):
                loose.append(entry)
    figure("11 supply: pinned packages / without a hash", f"{pinned}/{len(loose)}", "0 without")
    assert pinned > 50
    assert loose == []
