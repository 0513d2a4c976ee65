"""Lets Lighthouse judge the pages of a running demonstration. Usage: lighthouse.py ADDRESS. Needs Node and Chromium.

Exit status 1 where a page is below 99 for performance or below 100 for anything else.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

PAGES = ("/fr/appeals/janbolat-mamai", "/fr/", "/fr/appeals/janbolat-mamai/progress")
WANTED = {"performance": 99, "accessibility": 100, "best-practices": 100, "seo": 100}


def judge(address: str) -> dict[str, int]:
    """The four scores of a page, as on a phone with a slow connection."""
    chromium = os.environ.get("CHROME_PATH") or shutil.which("chromium") or shutil.which("google-chrome") or ""
    command = ["npx", "--yes", "lighthouse", address, "--quiet", "--output=json"]
    command += ["--chrome-flags=--headless=new --no-sandbox"]
    environ = {**os.environ, "CHROME_PATH": chromium}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True, timeout=300)
    report = json.loads(done.stdout)
    for reference in [one for name in WANTED for one in report["categories"][name]["auditRefs"]]:
        audit = report["audits"][reference["id"]]
        if reference["weight"] and audit["score"] is not None and audit["score"] < 1:
            print(f"    {reference['id']}: {audit['score']} {audit.get('displayValue', '')}")
    return {name: round(100 * report["categories"][name]["score"]) for name in WANTED}


def main(address: str) -> None:
    """Judges every page, and says which is below what is wanted."""
    below = False
    for page in PAGES:
        scores = judge(address + page)
        below = below or any(scores[name] < WANTED[name] for name in WANTED)
        print(page, " ".join(f"{name} {score}" for name, score in scores.items()))
    sys.exit(below)


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
