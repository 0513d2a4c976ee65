"""Sample messages about an invented case, for staff and operators to preview."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from flask_babel import force_locale, gettext
from flask_mail import Message

from campaign.config import LOCALES, ROOT
from campaign.domain.appeals.appeal import AppealState, TargetKind
from campaign.domain.errors import NotFoundError
from campaign.domain.outbox.mail_kind import ADDRESSED_KINDS, MailKind
from campaign.mail.messages import messages
from campaign.mail.messages.address_texts import confirm_address
from campaign.mail.messages.digest_texts import AppealWeek, week_lines
from campaign.mail.messages.envelope import Envelope
from campaign.mail.messages.section_names import section_title
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView, PersonView, TargetView, TextView

SHIPPED = ROOT / "campaign" / "data" / "sample.toml"
_MOMENT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
_ADDRESS = ("Calle Ejemplo 1", "Bogotá", "Colombia")


def message_names() -> tuple[str, ...]:
    """Return the names of all messages."""
    return tuple(kind.value for kind in MailKind)


def preview_message(name: str, locale: str, *, sender: str, base_url: str) -> Message:
    """Return the sample of that message in that locale. Raises NotFoundError."""
    if name not in message_names():
        raise NotFoundError(f"there is no message {name}; there are " + ", ".join(message_names()))
    if locale not in LOCALES:
        raise NotFoundError(f"there is no locale {locale}; there are " + ", ".join(LOCALES))
    envelope = Envelope(sender, "reader@mail.example", "<preview@tocsin.invalid>", _MOMENT, locale)
    kind = MailKind(name)
    if kind in ADDRESSED_KINDS:
        return messages.to_address(kind, envelope, _CONTEXTS.get(kind, _notice)(envelope.locale, base_url))
    texts = _sample_texts()[locale]
    signed = messages.SignedAppeal(_appeal(), _text(locale), texts["name"])
    site = f"{base_url}/{locale}"
    links = messages.MailLinks(
        appeal=f"{site}/appeals/ana-ruiz-vega",
        confirm=f"{site}/s/PREVIEW",
        act=f"{site}/m/PREVIEW/act",
        me=f"{site}/m/PREVIEW/me",
        unsubscribe=f"{site}/u/PREVIEW",
    )
    details = messages.MessageDetails(
        announced=messages.AnnouncedText(locale, texts["subject"], texts["body"]),
        days_left=5,
        context={"words": "\n\n".join(texts["paragraphs"])},
    )
    return messages.to_signer(kind, envelope, signed, links, details)


def preview_announcement(
    kind: str, appeal: AppealView, announced: messages.AnnouncedText, *, sender: str, base_url: str
) -> Message:
    """Return an update or outcome of a real appeal as the invented signer would get it, in the text's language."""
    envelope = Envelope(sender, "reader@mail.example", "<preview@tocsin.invalid>", _MOMENT, announced.language)
    site = f"{base_url}/{announced.language}"
    page, token = f"{site}/appeals/{appeal.slug}", "PREVIEW"
    links = messages.MailLinks(page, page, page, f"{site}/m/{token}/me", f"{site}/u/{token}")
    signed = messages.SignedAppeal(appeal, appeal.text_in(announced.language), sample_reader_name(announced.language))
    return messages.to_signer(MailKind(kind), envelope, signed, links, messages.MessageDetails(announced=announced))


def sample_reader_name(locale: str) -> str:
    """Return the name of the invented signer."""
    return str(_sample_texts()[locale]["name"])


def _invitation(locale: str, base_url: str) -> dict[str, str]:
    with force_locale(locale):
        role, valid = gettext("editor"), gettext("48 hours")
    return {"url": f"{base_url}/staff/…", "section": section_title("fr", "", locale), "role": role, "valid": valid}


def _alert(locale: str, base_url: str) -> dict[str, str]:
    return {"subject": "451 4.3.0", "text": "451 4.3.0 Service unavailable", "url": f"{base_url}/staff/"}


def _notice(locale: str, base_url: str) -> dict[str, str]:
    return {"subject": runtime().settings.theme.name, "text": "…", "url": f"{base_url}/staff/"}


def _address(locale: str, base_url: str) -> dict[str, str]:
    text = confirm_address(locale, runtime().settings.theme.name)
    return {"subject": text.subject, "text": text.text, "url": f"{base_url}/{locale}/m/PREVIEW/address"}


def _digest(locale: str, base_url: str) -> dict[str, str]:
    """Return the context of a weekly digest about one appeal."""
    with force_locale(locale):
        lines = week_lines(AppealWeek(1240, 310, 86, 22, 1000, 12), locale)
    appeal = {
        "headline": _sample_texts()[locale]["headline"],
        "language": locale,
        "url": f"{base_url}/staff/appeals/ana-ruiz-vega",
        "lines": lines,
    }
    return {
        "appeals": json.dumps([appeal]),
        "url": f"{base_url}/staff/",
        "unsubscribe": f"{base_url}/staff/digest/PREVIEW",
    }


# The functions that make the context of messages to an address; all other kinds use `_notice`.
_CONTEXTS: dict[MailKind, Callable[[str, str], dict[str, str]]] = {
    MailKind.ADDRESS: _address,
    MailKind.STAFF_INVITATION: _invitation,
    MailKind.STAFF_ALERT: _alert,
    MailKind.STAFF_DIGEST: _digest,
}


@cache
def _sample_texts() -> dict[str, dict[str, Any]]:
    return tomllib.loads(SHIPPED.read_text(encoding="utf-8"))


def _text(locale: str) -> TextView:
    texts = _sample_texts()[locale]
    return TextView(
        language=locale,
        version=1,
        headline=texts["headline"],
        people=(PersonView("Ana Ruiz Vega", None),),
        summary="",
        background="",
        salutation=texts["salutation"],
        paragraphs=tuple(texts["paragraphs"]),
        closing=texts["closing"],
        talking_points=(),
    )


def _appeal() -> AppealView:
    return AppealView(
        id=0,
        slug="ana-ruiz-vega",
        reference=None,
        sequence=1,
        country="CO",
        state=AppealState.OPEN,
        deadline=date(2026, 4, 12),
        goal=1000,
        languages=(),
        own_language=True,
        opened_at=_MOMENT,
        ended_at=None,
        outcome={},
        risk_countries=(),
        initials_only=False,
        revision=1,
        texts={locale: _text(locale) for locale in LOCALES},
        targets={locale: (_target(_sample_texts()[locale]["role"]),) for locale in LOCALES},
    )


def _target(role: str) -> TargetView:
    return TargetView(
        position=1,
        kind=TargetKind.PRIMARY,
        role=role,
        name="Pedro Alba Montes",
        address=_ADDRESS,
        salutation=None,
        country="CO",
        emails=("minister@interior.example",),
        faxes=("+57 1 5550 0101",),
        phones=(),
        social={},
    )
