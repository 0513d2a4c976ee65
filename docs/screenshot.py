"""The picture of the README: the sample appeal on a desktop screen. Usage: screenshot.py ADDRESS FILE."""

from __future__ import annotations

import shutil
import sys

from playwright.sync_api import sync_playwright


def main(address: str, file: str) -> None:
    """Take a picture of the French page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 760}, locale="fr-FR")
        page.goto(f"{address}/fr/appeals/janbolat-mamai")
        page.screenshot(path=file)
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
