"""Content of the page for taking action: the letter as this supporter sends it, and a step for each usable channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

from flask import request, url_for

from campaign.domain.appeals.appeal import AppealState, TargetKind
from campaign.domain.counting.channel import STEPS, Channel, ChannelStep, ContactKind
from campaign.domain.country import COUNTRIES, country_names
from campaign.domain.signing.receipt import make_receipt, read_receipt
from campaign.letter.channel_deadline import last_useful_day
from campaign.letter.gender_forms import GenderForm, has_open_forms
from campaign.letter.letter_pdf import is_printable
from campaign.letter.mailto import MailLink, MailRecipients, mail_links, mail_recipients
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

    def as_explicit_query(self) -> dict[str, str]:
        """Return only the choices given in this request, for links to the page in other languages."""
        return {name: value for name, value in self.as_query().items() if request.values.get(name)}

    def as_query(self) -> dict[str, str]:
        """Return the choices as query parameters."""
        parameters = {"lang": self.language, "country": self.country or "", "form": self.form.value}
        return {name: value for name, value in parameters.items() if value}


@dataclass(frozen=True, slots=True)
class MailOption:
    """A mail to write: its recipients and the links that open it, that of the supporter's mail program first.

    A report that it was sent is counted for `target`.
    """

    target: TargetView
    recipients: MailRecipients
    links: tuple[MailLink, ...]


@dataclass(frozen=True, slots=True)
class ContactOption:
    """One way to reach a target by a channel.

    `contact_value` is its fax or telephone number or its account, else "". `lines` describe the target, `text` is to
    be said or posted.
    """

    target: TargetView
    contact_value: str
    lines: tuple[str, ...]
    text: str = ""
    mail: MailOption | None = None


@dataclass(frozen=True, slots=True)
class OfferedStep:
    """A channel with its contacts, and the last day on which using it helps.

    `has_post` is true if a contact is reached by post. `is_past_last_day` is true after the last day.
    """

    channel: str
    contact_kind: str
    to_embassies: bool
    contacts: tuple[ContactOption, ...]
    has_post: bool
    last_day: date | None
    is_past_last_day: bool
    is_done: bool

    @property
    def is_unusable(self) -> bool:
        """Return whether the last day has passed and no contact can be reached by e-mail instead."""
        return self.is_past_last_day and not any(option.mail for option in self.contacts)


def read_choice(appeal: AppealView, signature: SignatureView | None) -> LetterChoice:
    """Return the choices in the URL or form; missing ones come from the page's language and the signature."""
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
    last_day = continued_until(appeal, signature, choice.country)
    if last_day is not None:
        # The supporter's section continues after the deadline, so its own last day replaces it.
        appeal = replace(appeal, deadline=last_day)
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
        "has_gender_choice": letter is not None
        and has_open_forms((*text.paragraphs, text.closing or ""), text.language),
        "steps": steps,
        "next_step": _next_channel(steps),
        "is_printable": is_letter_printable(letter, text, targets),
        "is_open": appeal.is_open or last_day is not None,
        "continued_until": last_day,
        "is_stopped": appeal.state == AppealState.STOPPED,
        "today": runtime().clock().date(),
        "counts": data_cache().counts(appeal),
        "countries": country_names(current_locale()),
        "counted_action": counted_action(appeal),
        "error": None,
    }


def mail_options(targets: tuple[TargetView, ...], letter: Letter) -> tuple[MailOption, ...]:
    """Return the mails to write: one to all authorities, and one to each embassy with an address."""
    all_recipients = mail_recipients(targets)
    # One mail goes to all authorities, so it is one action, counted for the first of them.
    first_authority = next(
        (
            target
            for target in targets
            if all_recipients is not None
            and target.kind != TargetKind.EMBASSY
            and set(target.emails) & set(all_recipients.to)
        ),
        None,
    )
    options: list[MailOption] = []
    if all_recipients is not None and first_authority is not None:
        options.append(MailOption(first_authority, all_recipients, mail_links(all_recipients, letter)))
    for target in targets:
        if target.kind == TargetKind.EMBASSY and target.emails:
            embassy_recipients = MailRecipients(tuple(dict.fromkeys(target.emails)), ())
            options.append(MailOption(target, embassy_recipients, mail_links(embassy_recipients, letter)))
    return tuple(options)


def letter_languages(appeal: AppealView) -> list[tuple[str, bool]]:
    """Return the languages of the texts, each with whether the recipients prefer it; the preferred ones first."""
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
    content = letter.text if letter else "\n".join(text.talking_points)
    lines = "".join(line for target in targets for line in address_lines(target))
    return is_printable(content + lines, runtime().settings.fonts)


def _steps(
    appeal: AppealView,
    text: TextView,
    letter: Letter | None,
    targets: tuple[TargetView, ...],
    choice: LetterChoice,
    name: str,
    done: frozenset[tuple[str, int]],
) -> list[OfferedStep]:
    """Return the channels that have a contact, in the order of STEPS; `done` has (channel, target position) pairs."""
    mails_by_position = {mail.target.position: mail for mail in mail_options(targets, letter or own_letter(text, ""))}
    to_authorities = _options_by_contact(
        [target for target in targets if target.kind != TargetKind.EMBASSY],
        mails_by_position,
        phone_text="\n".join(phone_script(text, letter, name)),
        social_text=partial(social_post, text, link=absolute_url(url_for("pages.appeal", slug=appeal.slug))),
    )
    to_embassies = [
        ContactOption(target, "", address_lines(target), mail=mails_by_position.get(target.position))
        for target in targets
        if target.kind == TargetKind.EMBASSY
    ]
    return [
        _step(appeal, channel, step, tuple(options), choice, done)
        for channel, step in STEPS
        if (options := to_embassies if step.to_embassies else to_authorities[step.contact])
    ]


def _options_by_contact(
    authorities: list[TargetView],
    mails_by_position: dict[int, MailOption],
    *,
    phone_text: str,
    social_text: Callable[[str], str],
) -> dict[ContactKind, list[ContactOption]]:
    """Return the ways to reach the authorities; `social_text(account)` returns the social-media message."""
    return {
        ContactKind.EMAIL: [
            ContactOption(target, "", (), mail=mails_by_position[target.position])
            for target in authorities
            if target.position in mails_by_position
        ],
        ContactKind.POST: [
            ContactOption(target, "", address_lines(target)) for target in authorities if target.address
        ],
        ContactKind.FAX: [
            ContactOption(target, fax, _role_and_name(target)) for target in authorities for fax in target.faxes
        ],
        ContactKind.PHONE: [
            ContactOption(target, phone, _role_and_name(target), phone_text)
            for target in authorities
            for phone in target.phones
        ],
        ContactKind.SOCIAL: [
            ContactOption(target, account, (network,), social_text(account))
            for target in authorities
            for network, account in sorted(target.social.items())
        ],
    }


def _step(
    appeal: AppealView,
    channel: Channel,
    step: ChannelStep,
    options: tuple[ContactOption, ...],
    choice: LetterChoice,
    done: frozenset[tuple[str, int]],
) -> OfferedStep:
    """Return the channel with its contacts; a letter has to be posted some days before the deadline."""
    has_post = channel.goes_by_post and any(option.target.address for option in options)
    last_day = appeal.deadline
    if has_post:
        last_day = last_useful_day(last_day, channel, choice.country, _destination(appeal, step, options))
    return OfferedStep(
        channel.value,
        step.contact.value,
        step.to_embassies,
        options,
        has_post,
        last_day,
        is_past_last_day=last_day is not None and last_day < runtime().clock().date(),
        is_done=all((channel.value, option.target.position) in done for option in options),
    )


def _done_actions(appeal: AppealView, signature: SignatureView | None) -> frozenset[tuple[str, int]]:
    """Return the channels and positions reported with this signature; without one, those of the URL's receipt."""
    if signature is not None:
        return frozenset(signature.reported)
    channel, _, target = counted_action(appeal).partition("-")
    return frozenset({(channel, int(target))} if target else ())


def counted_receipt(appeal: AppealView, channel: Channel, target_position: int) -> str:
    """Return the receipt of an action that was just counted, to be put into a URL."""
    app_runtime = runtime()
    return make_receipt(
        app_runtime.settings.secret_key, appeal.slug, f"{channel.value}-{target_position}", app_runtime.clock()
    )


def counted_action(appeal: AppealView) -> str:
    """Return the channel and target, such as `fax-1`, whose receipt is in the URL; else ""."""
    app_runtime = runtime()
    return (
        read_receipt(app_runtime.settings.secret_key, appeal.slug, request.args.get("done", ""), app_runtime.clock())
        or ""
    )


def _next_channel(steps: list[OfferedStep]) -> str | None:
    """Return the first usable step after the last done one; if there is none, the first usable earlier one, or None."""
    last_done = max((index for index, step in enumerate(steps) if step.is_done), default=-1)
    remaining = [
        step for step in (*steps[last_done + 1 :], *steps[: last_done + 1]) if not step.is_done and not step.is_unusable
    ]
    return remaining[0].channel if remaining else None


def _destination(appeal: AppealView, step: ChannelStep, options: tuple[ContactOption, ...]) -> str | None:
    """Return the country to which a letter by this channel goes.

    It is that of the contacts. If they are in several countries or name none, it is None for embassies, and else the
    appeal's country.
    """
    countries = {option.target.country for option in options} - {None}
    if len(countries) == 1:
        return countries.pop()
    return None if step.to_embassies else appeal.country


def _role_and_name(target: TargetView) -> tuple[str, ...]:
    return tuple(part for part in (target.role, target.name) if part)
