"""Content of the page for taking action: the letter as this supporter sends it, and a step for each usable channel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from flask import request, url_for

from campaign.domain.appeals.appeal import AppealState, TargetKind
from campaign.domain.counting.channel import STEPS, Channel, ChannelStep, ContactKind
from campaign.domain.country import COUNTRIES, country_names
from campaign.domain.signing.receipt import make_receipt, read_receipt
from campaign.letter.channel_deadline import last_useful_day
from campaign.letter.gender_forms import GenderForm, has_open_forms
from campaign.letter.letter_pdf import is_printable
from campaign.letter.mailto import MailLink, MailRecipients, mail_links, recipients
from campaign.letter.plain_text import Letter, address_lines, model_letter, own_letter, signer_name
from campaign.letter.scripts import phone_script, social_post
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView, TargetView, TextView
from campaign.queries.signing.signature import SignatureView
from campaign.web.caching.data_cache import data_cache
from campaign.web.http.locale import absolute_url, current_locale
from campaign.web.public.appeal.continuation import continued_until


@dataclass(frozen=True, slots=True)
class LetterChoice:
    """The supporter's choices for the letter: language, country of origin, and form of its gendered words."""

    language: str
    country: str | None
    form: GenderForm

    def as_picked(self) -> dict[str, str]:
        """Return only the choices that the supporter has made, for links to the page in other languages."""
        return {name: value for name, value in self.as_query().items() if request.values.get(name)}

    def as_query(self) -> dict[str, str]:
        """Return the choices as query parameters."""
        chosen = {"lang": self.language, "country": self.country or "", "form": self.form.value}
        return {name: value for name, value in chosen.items() if value}


@dataclass(frozen=True, slots=True)
class MailOption:
    """A mail to write: its recipients, the links that open it, own program first, and the target that it reports."""

    target: TargetView
    recipients: MailRecipients
    links: tuple[MailLink, ...]


@dataclass(frozen=True, slots=True)
class ContactOption:
    """A target by one channel: how to reach it, its address lines, a text to use there, and a mail to it."""

    target: TargetView
    reach: str
    lines: tuple[str, ...]
    extra: str = ""
    mail: MailOption | None = None


@dataclass(frozen=True, slots=True)
class OfferedStep:
    """A channel with its contacts; whether post is among them; its last useful day; whether it is late or done."""

    channel: str
    contact: str
    to_embassies: bool
    ways: tuple[ContactOption, ...]
    is_posted: bool
    until: date | None
    is_late: bool
    is_done: bool

    @property
    def is_shut(self) -> bool:
        """Tell whether it is too late for this channel, with no contact quicker than post."""
        return self.is_late and not any(way.mail for way in self.ways)


def read_choice(appeal: AppealView, signature: SignatureView | None) -> LetterChoice:
    """Return the choices in the address or form; missing ones come from the page's language and the signature."""
    values = request.values
    language = values.get("lang", "")
    if language not in appeal.texts:
        language = appeal.text_in(current_locale()).language
    country = values.get("country", "").upper() or (signature.country if signature else "")
    form = values.get("form", "")
    return LetterChoice(
        language=language,
        country=country if country in COUNTRIES else None,
        form=GenderForm(form) if form in set(GenderForm) else GenderForm.OPEN,
    )


def take_action_context(appeal: AppealView, signature: SignatureView | None, choice: LetterChoice) -> dict[str, Any]:
    """Return the values for the template."""
    until = continued_until(appeal, signature, choice.country)
    if until is not None:
        # Then each channel is useful until that day.
        appeal = replace(appeal, deadline=until)
    text = appeal.texts[choice.language]
    targets = reachable_targets(appeal, choice)
    name = signer_name(appeal, signature.name if signature else None)
    letter = model_letter(text, name, form=choice.form)
    steps = _steps(appeal, text, letter, targets, choice, name or "", _done_actions(appeal, signature))
    return {
        "appeal": appeal,
        "text": text,
        "signature": signature,
        "choice": choice,
        "letter": letter,
        "languages": letter_languages(appeal),
        "is_other_language": current_locale() not in appeal.texts,
        "has_forms": letter is not None and has_open_forms((*text.paragraphs, text.closing or ""), text.language),
        "steps": steps,
        "next_step": _next_channel(steps),
        "is_printable": is_letter_printable(letter, text, targets),
        "is_open": appeal.is_open or until is not None,
        "continued_until": until,
        "is_stopped": appeal.state == AppealState.STOPPED,
        "today": runtime().clock().date(),
        "counts": data_cache().counts(appeal),
        "countries": country_names(current_locale()),
        "primary": TargetKind.PRIMARY.value,
        "done": just_counted(appeal),
        "error": None,
    }


def mail_options(targets: tuple[TargetView, ...], letter: Letter) -> tuple[MailOption, ...]:
    """Return the mails to write: one to all authorities, and one to each embassy with an address."""
    all_recipients = recipients(targets)
    # One mail goes to all authorities, so it is one action, counted for the first of them.
    options = [
        MailOption(target, all_recipients, mail_links(all_recipients, letter))
        for target in targets
        if all_recipients is not None
        and target.kind != TargetKind.EMBASSY
        and set(target.emails) & set(all_recipients.to)
    ][:1]
    for target in targets:
        if target.kind == TargetKind.EMBASSY and target.emails:
            embassy_recipients = MailRecipients(tuple(dict.fromkeys(target.emails)), ())
            options.append(MailOption(target, embassy_recipients, mail_links(embassy_recipients, letter)))
    return tuple(options)


def letter_languages(appeal: AppealView) -> list[tuple[str, bool]]:
    """Return the languages of the texts, each with whether it is preferred by the recipients; preferred ones first."""
    preferred = [code for code in appeal.languages if code in appeal.texts]
    return [(code, True) for code in preferred] + [(code, False) for code in appeal.texts if code not in preferred]


def reachable_targets(appeal: AppealView, choice: LetterChoice) -> tuple[TargetView, ...]:
    """Return the targets without the embassies in other countries than the supporter's."""
    return tuple(
        target
        for target in appeal.targets_in(choice.language)
        if target.kind != TargetKind.EMBASSY or target.country in {None, choice.country}
    )


def is_letter_printable(letter: Letter | None, text: TextView, targets: tuple[TargetView, ...]) -> bool:
    """Return whether the fonts can show the letter, or the talking points, with every address."""
    words = letter.text if letter else "\n".join(text.talking_points)
    lines = "".join(line for target in targets for line in address_lines(target))
    return is_printable(words + lines, runtime().settings.fonts)


def _steps(
    appeal: AppealView,
    text: TextView,
    letter: Letter | None,
    targets: tuple[TargetView, ...],
    choice: LetterChoice,
    name: str,
    done: frozenset[tuple[str, int]],
) -> list[OfferedStep]:
    others = [target for target in targets if target.kind != TargetKind.EMBASSY]
    embassies = [target for target in targets if target.kind == TargetKind.EMBASSY]
    link = absolute_url(url_for("pages.appeal", slug=appeal.slug))
    script = "\n".join(phone_script(text, letter, name))
    mails_by_position = {
        target.target.position: target for target in mail_options(targets, letter or own_letter(text, ""))
    }
    ways = {
        ContactKind.EMAIL: [
            ContactOption(target, "", (), mail=mails_by_position[target.position])
            for target in others
            if target.position in mails_by_position
        ],
        ContactKind.POST: [ContactOption(target, "", address_lines(target)) for target in others if target.address],
        ContactKind.FAX: [
            ContactOption(target, fax, _role_and_name(target)) for target in others for fax in target.faxes
        ],
        ContactKind.PHONE: [
            ContactOption(target, phone, _role_and_name(target), script) for target in others for phone in target.phones
        ],
        ContactKind.SOCIAL: [
            ContactOption(target, handle, (network,), social_post(text, handle, link))
            for target in others
            for network, handle in sorted(target.social.items())
        ],
    }
    to_embassies = [
        ContactOption(target, "", address_lines(target), mail=mails_by_position.get(target.position))
        for target in embassies
    ]
    candidates = [(channel, step, to_embassies if step.to_embassies else ways[step.contact]) for channel, step in STEPS]
    return [
        _step(appeal, channel, step, tuple(options), choice, done) for channel, step, options in candidates if options
    ]


def _step(
    appeal: AppealView,
    channel: Channel,
    step: ChannelStep,
    ways: tuple[ContactOption, ...],
    choice: LetterChoice,
    done: frozenset[tuple[str, int]],
) -> OfferedStep:
    is_posted = channel.goes_by_post and any(way.target.address for way in ways)
    until = appeal.deadline
    if is_posted:
        until = last_useful_day(until, channel, choice.country, _destination(appeal, step, ways))
    return OfferedStep(
        channel.value,
        step.contact.value,
        step.to_embassies,
        ways,
        is_posted,
        until,
        is_late=until is not None and until < runtime().clock().date(),
        is_done=all((channel.value, way.target.position) in done for way in ways),
    )


def _done_actions(appeal: AppealView, signature: SignatureView | None) -> frozenset[tuple[str, int]]:
    """Return the actions reported with this signature; without one, the action that the address proves."""
    if signature is not None:
        return frozenset(signature.reported)
    channel, _, target = just_counted(appeal).partition("-")
    return frozenset({(channel, int(target))} if target else ())


def counted_receipt(appeal: AppealView, channel: Channel, target: int) -> str:
    """Return the receipt of an action that was just counted, for an address."""
    services = runtime()
    return make_receipt(services.settings.secret_key, appeal.slug, f"{channel.value}-{target}", services.clock())


def just_counted(appeal: AppealView) -> str:
    """Return the channel and target, such as `fax-1`, whose receipt is in the address; else ""."""
    services = runtime()
    return read_receipt(services.settings.secret_key, appeal.slug, request.args.get("done", ""), services.clock()) or ""


def _next_channel(steps: list[OfferedStep]) -> str | None:
    """Return the channel after the last one done, else the first that is neither done nor late, else None."""
    last_done = max((index for index, step in enumerate(steps) if step.is_done), default=-1)
    remaining = [
        step for step in (*steps[last_done + 1 :], *steps[: last_done + 1]) if not step.is_done and not step.is_shut
    ]
    return remaining[0].channel if remaining else None


def _destination(appeal: AppealView, step: ChannelStep, ways: tuple[ContactOption, ...]) -> str | None:
    """Return the country to which a letter by this channel goes: the targets', else the appeal's.

    For embassies it is the country where they are; None if there are several.
    """
    countries = {way.target.country for way in ways} - {None}
    if step.to_embassies:
        return countries.pop() if len(countries) == 1 else None
    return countries.pop() if len(countries) == 1 else appeal.country


def _role_and_name(target: TargetView) -> tuple[str, ...]:
    return tuple(part for part in (target.role, target.name) if part)
