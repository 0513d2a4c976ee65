"""Every message in every language: both parts, its direction, its size, and no images or scripts."""

from __future__ import annotations

import re
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from flask import Flask
from flask_mail import Message

from campaign.config import LOCALES
from campaign.domain.outbox.mail_kind import (
    ADDRESSED_KINDS,
    CAMPAIGN_KINDS,
    STAFF_KINDS,
    UNSUBSCRIBABLE_KINDS,
    MailKind,
)
from campaign.mail.messages import messages as message
from campaign.mail.messages import samples as sample
from campaign.mail.messages.envelope import MOST_BYTES, Envelope, clean_header
from campaign.mail.smtp.mime import write
from tests.conftest import START, text_of

BASE = "https://act.tocsin.example"
SENDER = "Tocsin <act@tocsin.example>"


def sample_message(name: str, locale: str) -> EmailMessage:
    return parse_message(write(sample.preview_message(name, locale, sender=SENDER, base_url=BASE)))


def parse_message(content: bytes) -> EmailMessage:
    assert len(content) < MOST_BYTES
    return message_from_bytes(content, policy=policy.default)


def announcement_message(
    kind: MailKind,
    envelope: Envelope,
    signed: message.SignedAppeal,
    links: message.MailLinks,
    words: message.AnnouncedText,
) -> Message:
    return message.to_signer(kind, envelope, signed, links, message.MessageDetails(announced=words))


def html_of(mail: EmailMessage) -> str:
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content())


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", sample.message_names())
def test_each_message_renders_in_each_language(site: Flask, name: str, locale: str) -> None:
    mail = sample_message(name, locale)
    html, text = html_of(mail), text_of(mail)
    direction = "rtl" if locale == "ar" else "ltr"
    assert f'<html lang="{locale}" dir="{direction}"' in html
    # Mail programs that remove the outer tags read the direction from the style sheet.
    sheets = [div for div in re.findall(r"<div[^>]*>", html) if 'class="sheet"' in div or 'class="foot"' in div]
    assert len(sheets) == 2
    assert all(f'lang="{locale}"' in div and f'dir="{direction}"' in div for div in sheets)
    assert not re.search(r"<img|<script|<link|@import|url\(|{{|{%|\|\|", html)
    assert not re.search(r"{{|{%|<[a-z]+|\n{4}", text)
    assert mail["Subject"]
    assert mail["Auto-Submitted"] == "auto-generated"
    assert set(re.findall(r"https?://[^/\s]+", text)) <= {BASE}
    # The text has every link of the HTML.
    assert set(re.findall(r'href="(https?:[^"]+)"', html)) == set(re.findall(r"https?://\S+", text))


@pytest.mark.parametrize("name", sample.message_names())
def test_only_campaign_mail_can_be_unsubscribed_by_one_click(site: Flask, name: str) -> None:
    mail = sample_message(name, "en")
    is_campaign = name in UNSUBSCRIBABLE_KINDS
    assert (mail["List-Unsubscribe"] is not None) is is_campaign
    assert (mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click") is is_campaign
    assert ("/u/" in text_of(mail) or "/staff/digest/" in text_of(mail)) is is_campaign


def test_only_confirmation_mail_has_a_link_that_confirms(site: Flask) -> None:
    asking = {name for name in sample.message_names() if "/s/" in text_of(sample_message(name, "en"))}
    assert asking == {MailKind.CONFIRMATION, MailKind.CONFIRMATION_REMINDER, MailKind.ALREADY_SIGNED}
    assert text_of(sample_message("confirmation", "en")).count(f"{BASE}/en/s/") == 1


@pytest.mark.parametrize("name", [name for name in sample.message_names() if name not in ADDRESSED_KINDS])
def test_every_mail_to_a_supporter_links_to_their_data(site: Flask, name: str) -> None:
    mail = sample_message(name, "en")
    text, html = text_of(mail), html_of(mail)
    # The reader of a confirmation mail may not be the person who typed the address, so it links to no data.
    is_asking = name in {MailKind.CONFIRMATION, MailKind.CONFIRMATION_REMINDER}
    assert text.count(f"{BASE}/en/m/PREVIEW/me") == (0 if is_asking else 1)
    assert (f'href="{BASE}/en/m/PREVIEW/me"' in html) is not is_asking
    assert not is_asking or "/m/" not in text + html
    if "/s/" in text:  # the link to confirm comes first
        assert re.findall(r"https?://\S+", text)[0] == f"{BASE}/en/s/PREVIEW"
        assert re.findall(r'href="(https?:[^"]+)"', html)[0] == f"{BASE}/en/s/PREVIEW"


def test_the_thank_you_mail_links_to_the_channels(site: Flask) -> None:
    text = text_of(sample_message("confirmed", "fr"))
    for said in ("minister@interior.example", "Calle Ejemplo 1", "+57 1 5550 0101", "/act", "/me", "/appeals/"):
        assert said in text


LONG = {
    "en": "I ask you to protect her at once & <without delay>. ",
    "fr": "Je vous demande de la protéger sans délai, où qu’elle soit. ",
    "ar": "أطلب منكم حمايتها فورًا كما ترغب هي. ",
    "ru": "Прошу Вас немедленно взять её под защиту. ",
}


@pytest.mark.parametrize("locale", LONG)
@pytest.mark.parametrize("shape", ["one", "pages", "lines", "points"])
def test_the_longest_letter_stays_under_the_limit_and_links_to_the_rest(site: Flask, locale: str, shape: str) -> None:
    parts = {
        "one": (LONG[locale] * 400,),
        "pages": (LONG[locale] * 12,) * 300,
        "lines": (f"{LONG[locale]}\n" * 2000,),
        "points": (),
    }[shape]
    points = (LONG[locale] * 4,) * 200 if shape == "points" else ()
    appeal = sample._appeal()
    target = replace(appeal.targets[locale][0], address=tuple(LONG[locale] for _ in range(8)))
    text = replace(appeal.texts[locale], paragraphs=parts, talking_points=points)
    appeal = replace(appeal, texts={locale: text}, targets={locale: (target,) * 60})
    links = message.MailLinks(f"{BASE}/en/appeals/x", f"{BASE}/en/s/x", f"{BASE}/en/m/x/act", f"{BASE}/en/m/x/me", None)
    envelope = Envelope(SENDER, "a@mail.example", "<1@tocsin.example>", START, locale)
    signed = message.SignedAppeal(appeal, text, "N" * 200)
    for kind in (MailKind.CONFIRMATION, MailKind.CONFIRMED, MailKind.CONFIRMATION_REMINDER):
        mail = parse_message(write(message.to_signer(kind, envelope, signed, links)))
        if kind is MailKind.CONFIRMATION:
            assert f"{BASE}/en/appeals/x" in text_of(mail)
            assert f"{BASE}/en/s/x" in text_of(mail)


@pytest.mark.parametrize("locale", LONG)
def test_the_longest_announcement_stays_under_the_limit(site: Flask, locale: str) -> None:
    appeal = sample._appeal()
    signed = message.SignedAppeal(appeal, appeal.texts[locale], "N" * 200)
    links = message.MailLinks(BASE, BASE, BASE, BASE, f"{BASE}/en/u/x")
    envelope = Envelope(SENDER, "a@mail.example", "<1@tocsin.example>", START, locale)
    body = (LONG[locale] * 400)[:10_000]
    parse_message(
        write(
            announcement_message(
                MailKind.UPDATE, envelope, signed, links, message.AnnouncedText(locale, "s" * 120, body)
            )
        )
    )


def test_text_of_staff_can_run_and_load_nothing(site: Flask) -> None:
    appeal = sample._appeal()
    signed = message.SignedAppeal(appeal, appeal.texts["en"], '<script>alert("name")</script>')
    links = message.MailLinks(BASE, BASE, BASE, BASE, None)
    envelope = Envelope(SENDER, "a@mail.example", "<1@tocsin.example>", START, "en")
    body = "<script>x</script> ![i](https://x.example/i.png) [l](javascript:alert(1)) <img src=x onerror=y>"
    html = html_of(
        parse_message(
            write(
                announcement_message(MailKind.OUTCOME, envelope, signed, links, message.AnnouncedText("en", "s", body))
            )
        )
    )
    assert not re.search(r"<script|<img|javascript:[^\s]*\"|onerror=y>", html)
    assert "<script" not in html_of(
        parse_message(write(message.to_signer(MailKind.CONFIRMED, envelope, signed, links)))
    )


def test_an_update_keeps_its_addresses_and_its_line_ends(site: Flask) -> None:
    appeal = sample._appeal()
    signed = message.SignedAppeal(appeal, appeal.texts["en"], "Ana")
    links = message.MailLinks(BASE, BASE, BASE, BASE, None)
    envelope = Envelope(SENDER, "a@mail.example", "<1@tocsin.example>", START, "en")
    body = "Read [the report](https://news.example/a_b).\nOr https://watch.example/c_d\n\nAnna\nfor the team"
    mail = parse_message(
        write(announcement_message(MailKind.UPDATE, envelope, signed, links, message.AnnouncedText("en", "s", body)))
    )
    text, html = text_of(mail), html_of(mail)
    assert "Read the report (https://news.example/a_b).\nOr https://watch.example/c_d\n\nAnna\nfor the team" in text
    assert '<a href="https://watch.example/c_d"' in html
    assert re.search(r"Anna<br ?/?>\s*for the team", html)


def test_a_header_is_one_line_and_cut_to_its_visible_length() -> None:
    assert clean_header("a\r\nBcc: x\0\x1f y\u2028z") == "a Bcc: x y z"
    assert len(clean_header("x" * 1000)) == 150


def test_a_french_colon_stays_with_its_word_in_the_subject(site: Flask) -> None:
    assert "signature\u00a0: " in str(sample_message("confirmation", "fr")["Subject"])


def test_every_kind_has_its_message(site: Flask) -> None:
    assert set(sample.message_names()) == set(MailKind)
    assert set(MailKind) > STAFF_KINDS | CAMPAIGN_KINDS
