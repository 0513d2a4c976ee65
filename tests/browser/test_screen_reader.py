"""Journeys by the accessibility tree, which a screen reader reads, and by the Tab key."""

from __future__ import annotations

import itertools
import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import OVER, SAMPLE, STOPPED, Cases

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
PATHS = ["", f"appeals/{SAMPLE}", f"appeals/{SAMPLE}/thanks", f"appeals/{SAMPLE}/act?country=FR",
         f"appeals/{SAMPLE}/words", f"appeals/{SAMPLE}/progress", f"appeals/{OVER}", f"appeals/{STOPPED}",
         f"appeals/{STOPPED}/act", "sections", "sections/fr", "countries/kz", "privacy", "imprint", "accessibility",
         "new-link", "s/broken", "nothing"]  # fmt: skip
# Elements without an accessible name, of which a screen reader reads the role only.
NAMELESS = re.compile(
    r'^\s*- \'?(?:link|button|textbox|combobox|checkbox|img|navigation|region|progressbar)(?! ")', re.MULTILINE
)


@pytest.fixture(scope="module")
def site(cases: Cases) -> str:
    """Return the address of the cases."""
    return cases.address


def _tree(page: Page) -> str:
    return page.locator("body").aria_snapshot()


@pytest.mark.parametrize("locale", ["fr", "ar"])
def test_every_page_has_landmarks_headings_in_order_and_names(browser: Browser, site: str, locale: str) -> None:
    page = browser.new_page()
    for path in PATHS:
        page.goto(f"{site}/{locale}/{path}")
        tree = _tree(page)
        for landmark in ("banner", "main", "contentinfo"):
            assert len(re.findall(rf"^- {landmark}:", tree, re.MULTILINE)) == 1, (path, landmark)
        levels = [int(level) for level in re.findall(r"heading .*\[level=(\d)\]", tree)]
        assert levels.count(1) == 1, path
        assert levels[0] == 1, path
        assert all(below <= above + 1 for above, below in itertools.pairwise(levels)), (path, levels)
        assert NAMELESS.findall(tree) == [], path
        assert page.title().count("Tocsin") == 1, path
    page.close()


def test_a_screen_reader_user_signs_and_sends_the_letter(browser: Browser, site: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto(f"{site}/fr/appeals/{SAMPLE}")
    form = page.get_by_role("complementary", name="Signer")
    expect(form.get_by_role("progressbar", name="Signatures par rapport à l’objectif")).to_have_count(1)
    expect(form.get_by_role("progressbar", name="Temps passé")).to_have_count(1)
    form.get_by_role("button", name="Je signe").click()
    # Errors are announced at once: their summary has the focus, and each field has its own error.
    alert = page.get_by_role("alert")
    expect(alert).to_be_focused()
    expect(alert).to_be_in_viewport()
    expect(alert.get_by_role("link")).to_have_text(
        ["Écrivez votre nom.", re.compile("adresse"), re.compile("pays"), re.compile("accord")]
    )
    name = page.get_by_role("textbox", name="Votre nom")
    expect(name).to_have_accessible_description("Écrivez votre nom.")
    expect(name).to_have_attribute("aria-invalid", "true")
    alert.get_by_role("link").first.click()
    expect(name).to_be_focused()
    name.fill("Zoé Martin")
    page.get_by_role("textbox", name="Votre adresse e-mail").fill("zoe@mail.example")
    page.get_by_role("combobox", name="Votre pays").select_option("CH")
    page.get_by_role("checkbox", name="J’accepte").check()
    page.get_by_role("button", name="Je signe").click()
    expect(page.get_by_role("heading", level=1, name="regardez vos courriels")).to_be_visible()
    for _ in range(20):
        page.goto(f"{site}/dev/mail")
        letter = page.get_by_role("row", name="zoe@mail.example").get_by_role("link", name="Confirmez votre signature")
        if letter.count():
            break
        page.wait_for_timeout(500)
    letter.first.click()
    page.locator("pre.mail a").first.click()
    page.get_by_role("button", name="Je confirme ma signature").click()
    expect(page.get_by_role("heading", level=1, name="votre signature compte")).to_be_visible()
    ways = page.get_by_role("region", name="Moyens de l’envoyer")
    for way in ways.get_by_role("listitem").all():
        expect(way.get_by_role("heading", level=2)).to_have_count(1)
    ways.get_by_role("button", name="C’est fait : Par fax").click()
    expect(ways.get_by_role("status")).to_contain_text("Compté, merci.")
    expect(ways.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Par fax"))).to_contain_text(
        "Compté, merci."
    )
    expect(ways.get_by_role("button", name="C’est fait : Par fax")).to_have_count(0)
    context.close()


def test_a_keyboard_user_signs(browser: Browser, site: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(f"{site}/en/appeals/{SAMPLE}")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the content")).to_be_focused()
    expect(page.get_by_role("link", name="To the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    reached: list[str] = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(str(page.evaluate("document.activeElement.id || document.activeElement.innerText")))
        # The focused element is visible and marked.
        box = page.evaluate("(({ x, y, width, height }) => [x, y, x + width, y + height])(document.activeElement.getBoundingClientRect())")  # fmt: skip  # noqa: E501
        assert box[0] >= 0, reached
        assert box[1] >= 0, reached
        assert box[3] <= 800, reached
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", reached
        if reached[-1] == "name":
            page.keyboard.type("Ann Keys")
        elif reached[-1] == "email":
            page.keyboard.type("keys@mail.example")
        elif reached[-1] == "country":
            page.keyboard.type("Germ")
        elif reached[-1] == "consent":
            page.keyboard.press("Space")
        elif reached[-1] == "I sign":
            page.keyboard.press("Enter")
            break
    assert [name for name in reached if name in {"name", "email", "country", "consent", "I sign"}] == [
        "name",
        "email",
        "country",
        "consent",
        "I sign",
    ]
    expect(page.get_by_role("heading", name="look at your mail")).to_be_visible()
    page.close()
