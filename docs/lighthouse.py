"""The Lighthouse scores of a running demonstration, as on a phone with a slow connection.

Usage: lighthouse.py ADDRESS [--timeless]. Needs Node and Chromium. Exit status 1 if a page is below its limits, 3 if
Lighthouse is not available. On a busy machine performance is noisy, so the best of up to three runs counts. The other
scores do not depend on time and must be 100 in each run. `--timeless` measures those alone.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable

# The last version that runs on Node 18 and 20.
LIGHTHOUSE = "lighthouse@12.8.2"
CASE = "appeals/janbolat-mamai"
PAGES = (f"/fr/{CASE}", "/fr/", f"/fr/{CASE}/progress", f"/fr/{CASE}/act?country=FR", f"/ar/{CASE}")
LIMITS = {"performance": 99, "accessibility": 100, "best-practices": 100, "seo": 100}
RUNS = 3
UNAVAILABLE = 3


def unavailable_reason() -> str | None:
    """Return the reason why Lighthouse cannot run here; None if it can."""
    if shutil.which("npx") is None:
        return "no Node (npx) found"
    if not _chromium():
        return "no Chromium found"
    try:
        done = subprocess.run(
            ["npx", "--yes", LIGHTHOUSE, "--version"], capture_output=True, text=True, check=False, timeout=300
        )
    except subprocess.TimeoutExpired:
        return "npm did not bring Lighthouse within 300 s"
    return None if done.returncode == 0 else f"npm could not bring {LIGHTHOUSE}"


def _chromium() -> str:
    return os.environ.get("CHROME_PATH") or shutil.which("chromium") or shutil.which("google-chrome") or ""


def measure(address: str, categories: Iterable[str]) -> tuple[dict[str, int], list[str]]:
    """Return the scores of a page in one run, and the audits that lowered them. Repeat a run that breaks off."""
    command = ["npx", "--yes", LIGHTHOUSE, address, "--quiet", "--output=json"]
    command += ["--chrome-flags=--headless=new --no-sandbox", f"--only-categories={','.join(categories)}"]
    environ = {**os.environ, "CHROME_PATH": _chromium()}
    for remaining in reversed(range(RUNS)):
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode == 0:
            break
        if not remaining:
            raise SystemExit(f"Lighthouse broke off at {address}, {RUNS} times: {done.stderr}")
    report = json.loads(done.stdout)
    reasons = []
    for reference in [one for name in categories for one in report["categories"][name]["auditRefs"]]:
        audit = report["audits"][reference["id"]]
        if reference["weight"] and audit["score"] is not None and audit["score"] < 1:
            reasons.append(f"{reference['id']}: {audit['score']} {audit.get('displayValue', '')}".strip())
    return {name: round(100 * (report["categories"][name]["score"] or 0)) for name in categories}, reasons


def below(scores: dict[str, int]) -> set[str]:
    """Return the names of the scores that are too low."""
    return {name for name, score in scores.items() if score < LIMITS[name]}


def measure_best(address: str, categories: Iterable[str]) -> tuple[dict[str, int], list[str]]:
    """Return the scores of the page, with the best performance of several runs; run again only for performance."""
    scores, reasons = measure(address, categories)
    for _ in range(RUNS - 1):
        if below(scores) != {"performance"}:
            break
        again, again_reasons = measure(address, categories)
        lowest = {name: min(scores[name], again[name]) for name in scores}
        if again["performance"] > scores["performance"]:
            reasons = again_reasons
        scores = lowest | {"performance": max(scores["performance"], again["performance"])}
    return scores, reasons


def main(address: str, categories: Iterable[str]) -> None:
    """Print the scores of every page; exit with 1 if one is below its limits."""
    if (reason := unavailable_reason()) is not None:
        print(f"Lighthouse did not run: {reason}", file=sys.stderr)
        sys.exit(UNAVAILABLE)
    failed: set[str] = set()
    for page in PAGES:
        scores, reasons = measure_best(address + page, categories)
        failed |= below(scores)
        print(page, " ".join(f"{name} {score}" for name, score in scores.items()), flush=True)
        print("".join(f"    {reason}\n" for reason in reasons), end="", flush=True)
    sys.exit(bool(failed))


if __name__ == "__main__":
    timeless = [name for name in LIMITS if name != "performance"]
    main(sys.argv[1].rstrip("/"), timeless if "--timeless" in sys.argv[2:] else list(LIMITS))
