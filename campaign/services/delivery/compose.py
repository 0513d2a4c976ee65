"""The rendering of an addressed mail, with its links, from the appeal and the text that was signed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flask_mail import Message

from campaign.config import Settings
from campaign.domain.outbox.mail_kind import ADDRESSED_KINDS, PERSONAL_KINDS, MailKind
from campaign.domain.signing.token import Purpose, Tokens, shown_mark
from campaign.letter.plain_text import signer_name
from campaign.mail.messages import messages
from campaign.mail.messages.envelope import Envelope
from campaign.mail.messages.mail_merge import PLACEHOLDERS, MailMerge
from campaign.queries.announcements.announcement import AnnouncementTextView, find_announcement_text
from campaign.queries.appeals.appeal import AppealView, TextView, find_appeal_by_id, find_text
from campaign.services.delivery.address_mail import AddressedMail


class RenderCache:
    """A short-lived cache of the appeals, texts and renderings of many mails, so that each is read and made once."""

    def __init__(self) -> None:
        self._appeals: dict[int, AppealView | None] = {}
        self._texts: dict[tuple[int, str, int], TextView | None] = {}
        self._announced: dict[tuple[int, str], AnnouncementTextView | None] = {}
        self._merges: dict[tuple[object, ...], MailMerge] = {}

    def appeal(self, appeal_id: int) -> AppealView | None:
        """Return the appeal as it was at the first call; None where there is none."""
        if appeal_id not in self._appeals:
            self._appeals[appeal_id] = find_appeal_by_id(appeal_id)
        return self._appeals[appeal_id]

    def text(self, appeal_id: int, language: str, version: int) -> TextView | None:
        """Return an appeal text in the version that was signed; None where there is none."""
        key = appeal_id, language, version
        if key not in self._texts:
            self._texts[key] = find_text(*key)
        return self._texts[key]

    def announced(self, mail: AddressedMail) -> AnnouncementTextView | None:
        """Return the text of the mail's announcement; None where the mail has none."""
        if mail.announcement_id is None:
            return None
        key = mail.announcement_id, mail.text_language or ""
        if key not in self._announced:
            self._announced[key] = find_announcement_text(*key)
        return self._announced[key]

    def page(self, mail: AddressedMail, base_url: str) -> str:
        """Return the URL of the appeal that the mail, or its announcement, is about."""
        announced = self.announced(mail)
        appeal = self.appeal((mail.appeal_id or 0) if announced is None else announced.appeal_id)
        return f"{base_url}/{mail.locale}/appeals/{appeal.slug if appeal is not None else ''}"

    def merge(self, mail: AddressedMail, render: Callable[[], Message]) -> MailMerge:
        """Return the rendering that is shared by all mails that differ only in the signer."""
        key = (
            mail.kind,
            mail.locale,
            mail.appeal_id,
            mail.announcement_id,
            mail.text_language,
            mail.text_version,
            mail.has_other_name,
            mail.days_left if mail.kind == MailKind.DEADLINE_REMINDER else 0,
        )
        if key not in self._merges:
            self._merges[key] = MailMerge(render())
        return self._merges[key]


def render(mail: AddressedMail, settings: Settings, tokens: Tokens, cache: RenderCache) -> Message:
    """Return the message, rendered with the appeals and texts of the cache. Raises LookupError if they are deleted."""
    fixed_values = mail.message_id, mail.created_at, mail.locale
    envelope = Envelope(settings.mail_from, mail.recipient, *fixed_values, reply_to=mail.reply_to)
    if mail.kind in ADDRESSED_KINDS:
        return messages.to_address(MailKind(mail.kind), envelope, mail.context)
    appeal, text = _appeal(mail, cache)
    page = cache.page(mail, settings.base_url)
    if mail.sign_ups:
        return _render_answer(mail, envelope, messages.SignedAppeal(appeal, text, ""), page, settings, tokens, cache)
    if mail.signature_id is None:
        links = messages.MailLinks(page, page, page, page, None)
        return _render_to_signer(mail, envelope, messages.SignedAppeal(appeal, text, mail.name), links, cache)
    if mail.kind in PERSONAL_KINDS:
        links = messages.MailLinks(page, **_links(_LINKS, mail, settings, tokens))
        return _render_to_signer(mail, envelope, messages.SignedAppeal(appeal, text, mail.name), links, cache)
    signed = messages.SignedAppeal(appeal, text, PLACEHOLDERS["name"], PLACEHOLDERS["letter_name"])
    links = messages.MailLinks(page, **{name: PLACEHOLDERS[name] for name in _LINKS})
    merge = cache.merge(mail, lambda: _render_to_signer(mail, envelope, signed, links, cache))
    names = {"name": mail.name, "letter_name": signer_name(appeal, mail.name) or ""}
    return merge.fill(envelope, names | _links(merge.placeholder_names, mail, settings, tokens))


def _render_answer(
    mail: AddressedMail,
    envelope: Envelope,
    signed: messages.SignedAppeal,
    page: str,
    settings: Settings,
    tokens: Tokens,
    cache: RenderCache,
) -> Message:
    """Return an answer to a form, from the shared rendering unless its link confirms several appeals."""
    kind = MailKind(mail.kind)
    others = [cache.appeal(sign_up.appeal_id) for sign_up in mail.sign_ups[1:]]
    if any(others):
        texts = [appeal.text_in(mail.locale) for appeal in others if appeal is not None]
        links = messages.MailLinks(page, **_links(_LINKS, mail, settings, tokens))
        return messages.to_signer(kind, envelope, signed, links, messages.MessageDetails(others=texts))
    needs_no_confirmation = mail.kind == MailKind.ALREADY_SIGNED and not mail.has_other_name
    links = messages.MailLinks(
        page, **{name: "" if needs_no_confirmation and name == "confirm" else PLACEHOLDERS[name] for name in _LINKS}
    )
    merge = cache.merge(mail, lambda: messages.to_signer(kind, envelope, signed, links))
    return merge.fill(envelope, _links(merge.placeholder_names, mail, settings, tokens))


def _render_to_signer(
    mail: AddressedMail,
    envelope: Envelope,
    signed: messages.SignedAppeal,
    links: messages.MailLinks,
    cache: RenderCache,
) -> Message:
    """Return a message to a signer, with the announcement's text and the mail's own values where it has them."""
    announced = cache.announced(mail)
    announced_text = None
    if announced is not None:
        announced_text = messages.AnnouncedText(
            announced.language, announced.subject, announced.body, announced.is_rewording
        )
    # A rendering that several signers share must not contain one signer's values.
    personal = mail.context if mail.kind in PERSONAL_KINDS else {}
    details = messages.MessageDetails(announced=announced_text, days_left=mail.days_left, context=personal)
    return messages.to_signer(MailKind(mail.kind), envelope, signed, links, details)


# The purpose of each link of a signer, and its path.
_LINKS = {
    "confirm": (Purpose.CONFIRM, "s/{}"),
    "act": (Purpose.MANAGE, "m/{}/act"),
    "me": (Purpose.MANAGE, "m/{}/me"),
    "unsubscribe": (Purpose.UNSUBSCRIBE, "u/{}"),
}


def _appeal(mail: AddressedMail, cache: RenderCache) -> tuple[AppealView, TextView]:
    """Return the appeal with the text that was signed. An announcement has no version, and gets the current text.

    Raises LookupError.
    """
    if mail.appeal_id is None:
        raise LookupError("the mail belongs to no appeal")
    appeal = cache.appeal(mail.appeal_id)
    text = None
    if appeal is not None and mail.text_version is None:
        text = appeal.text_in(mail.locale)
    elif mail.text_language is not None and mail.text_version is not None:
        text = cache.text(mail.appeal_id, mail.text_language, mail.text_version)
    if appeal is None or text is None:
        raise LookupError("the appeal or its text is gone")
    return appeal, text


def _links(names: Iterable[str], mail: AddressedMail, settings: Settings, tokens: Tokens) -> dict[str, str]:
    """Return the signer's links with those names; links that an unconfirmed sign-up does not have are empty."""
    links = {name: _LINKS[name] for name in names if name in _LINKS}
    tokens_by_purpose = {
        purpose: _token(purpose, mail, tokens) for purpose in {purpose for purpose, _ in links.values()}
    }
    site = f"{settings.base_url}/{mail.locale}"
    return {
        name: f"{site}/{path.format(tokens_by_purpose[purpose])}" if tokens_by_purpose[purpose] else ""
        for name, (purpose, path) in links.items()
    }


def _token(purpose: Purpose, mail: AddressedMail, tokens: Tokens) -> str:
    """Return the token for that use; an empty text where the mail has none. Raises LookupError."""
    if purpose is Purpose.CONFIRM:
        if not mail.sign_ups:
            return ""
        first, *others = mail.sign_ups
        other_marks = b"".join(shown_mark(other.sign_up_id, other.content_digest) for other in others)
        made_at = mail.composed_at or mail.created_at
        return tokens.make(purpose, first.sign_up_id, made_at, first.link_key, first.content_digest, other_marks)
    if mail.signature_id is None:
        if not mail.sign_ups:
            raise LookupError("the mail belongs to no signer")
        return ""
    return tokens.make(purpose, mail.signature_id, mail.created_at, mail.link_key)
