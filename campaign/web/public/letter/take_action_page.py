"""What the act page shows: the letter as this supporter sends it, and a step for each channel that leads somewhere."""

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
from campaign.web.http.locale import absolute, current_locale
from campaign.web.public.appeal.continuation import goes_on_until


@dataclass(frozen=True, slots=True)
class LetterChoice:
    """How the supporter wants the letter: its language, the country it goes from, and the form of its open words."""

    language: str
    country: str | None
    form: GenderForm

    def as_picked(self) -> dict[str, str]:
        """The same, without what nobody has picked: it goes along when the page's language is switched."""
        return {name: value for name, value in self.as_query().items() if request.values.get(name)}

    def as_query(self) -> dict[str, str]:
        """What keeps the choice in an address."""
        chosen = {"lang": self.language, "country": self.country or "", "form": self.form.value}
        return {name: value for name, value in chosen.items() if value}


@dataclass(frozen=True, slots=True)
class MailOption:
    """One mail to write: to whom, the links that open it, one's own program first, and the target that it reports."""

    target: TargetView
    whom: MailRecipients
    links: tuple[MailLink, ...]


@dataclass(frozen=True, slots=True)
class ContactOption:
    """One target by one channel: how to reach it, its lines as on an envelope, what to say there, the mail to it."""

    target: TargetView
    reach: str
    lines: tuple[str, ...]
    extra: str = ""
    mail: MailOption | None = None


@dataclass(frozen=True, slots=True)
class OfferedStep:
    """One channel: its ways, whether by post too, until when (`is_late` where that has passed), whether it is done."""

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
        """Too late, and nothing quicker than the post leads there."""
        return self.is_late and not any(way.mail for way in self.ways)


def read_choice(appeal: AppealView, signature: SignatureView | None) -> LetterChoice:
    """From the address or the form; what is not known there is what the page's language and the signature say."""
    asked = request.values
    language = asked.get("lang", "")
    if language not in appeal.texts:
        language = appeal.text_in(current_locale()).language
    country = asked.get("country", "").upper() or (signature.country if signature else "")
    form = asked.get("form", "")
    return LetterChoice(
        language=language,
        country=country if country in COUNTRIES else None,
        form=GenderForm(form) if form in set(GenderForm) else GenderForm.OPEN,
    )


def act_page(appeal: AppealView, signature: SignatureView | None, choice: LetterChoice) -> dict[str, Any]:
    """What the template shows."""
    until = goes_on_until(appeal, signature, choice.country)
    if until is not None:
        # Each way is of use until that day, then.
        appeal = replace(appeal, deadline=until)
    text = appeal.texts[choice.language]
    targets = reachable(appeal, choice)
    name = signer_name(appeal, signature.name if signature else None)
    letter = model_letter(text, name, form=choice.form)
    steps = _steps(appeal, text, letter, targets, choice, name or "", _done(appeal, signature))
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
        "next_step": _next(steps),
        "is_printable": is_letter_printable(letter, text, targets),
        "is_open": appeal.is_open or until is not None,
        "goes_on_until": until,
        "is_stopped": appeal.state == AppealState.STOPPED,
        "today": runtime().clock().date(),
        "counts": data_cache().counts(appeal),
        "countries": country_names(current_locale()),
        "primary": TargetKind.PRIMARY.value,
        "done": just_counted(appeal),
        "error": None,
    }


def mails(targets: tuple[TargetView, ...], letter: Letter) -> tuple[MailOption, ...]:
    """The mails to write, so that everybody with an address gets one: to the authorities, and to each embassy."""
    whom = recipients(targets)
    # One mail goes to all of them, so it is one act: of the first of them.
    found = [
        MailOption(target, whom, mail_links(whom, letter))
        for target in targets
        if whom is not None and target.kind != TargetKind.EMBASSY and set(target.emails) & set(whom.to)
    ][:1]
    for target in targets:
        if target.kind == TargetKind.EMBASSY and target.emails:
            own = MailRecipients(tuple(dict.fromkeys(target.emails)), ())
            found.append(MailOption(target, own, mail_links(own, letter)))
    return tuple(found)


def letter_languages(appeal: AppealView) -> list[tuple[str, bool]]:
    """The languages that staff provided, those that are read there first, and whether each is one of them."""
    preferred = [code for code in appeal.languages if code in appeal.texts]
    return [(code, True) for code in preferred] + [(code, False) for code in appeal.texts if code not in preferred]


def reachable(appeal: AppealView, choice: LetterChoice) -> tuple[TargetView, ...]:
    """The targets, without the embassies that stand in other countries than the supporter's."""
    return tuple(
        target
        for target in appeal.targets_in(choice.language)
        if target.kind != TargetKind.EMBASSY or target.country in {None, choice.country}
    )


def is_letter_printable(letter: Letter | None, text: TextView, targets: tuple[TargetView, ...]) -> bool:
    """Whether the fonts there are can show the letter, or the talking points, with every address."""
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
    link = absolute(url_for("pages.appeal", slug=appeal.slug))
    script = "\n".join(phone_script(text, letter, name))
    written = {one.target.position: one for one in mails(targets, letter or own_letter(text, ""))}
    ways = {
        ContactKind.EMAIL: [
            ContactOption(one, "", (), mail=written[one.position]) for one in others if one.position in written
        ],
        ContactKind.POST: [ContactOption(target, "", address_lines(target)) for target in others if target.address],
        ContactKind.FAX: [ContactOption(target, fax, _who(target)) for target in others for fax in target.faxes],
        ContactKind.PHONE: [
            ContactOption(target, phone, _who(target), script) for target in others for phone in target.phones
        ],
        ContactKind.SOCIAL: [
            ContactOption(target, handle, (network,), social_post(text, handle, link))
            for target in others
            for network, handle in sorted(target.social.items())
        ],
    }
    to_embassies = [
        ContactOption(target, "", address_lines(target), mail=written.get(target.position)) for target in embassies
    ]
    found = [(channel, step, to_embassies if step.to_embassies else ways[step.contact]) for channel, step in STEPS]
    return [_step(appeal, channel, step, tuple(options), choice, done) for channel, step, options in found if options]


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


def _done(appeal: AppealView, signature: SignatureView | None) -> frozenset[tuple[str, int]]:
    """What was reported with this signature; without one, what the address proves to have been reported just now."""
    if signature is not None:
        return frozenset(signature.reported)
    channel, _, target = just_counted(appeal).partition("-")
    return frozenset({(channel, int(target))} if target else ())


def counted_receipt(appeal: AppealView, channel: Channel, target: int) -> str:
    """Return what an address says of a report that was counted just now."""
    at = runtime()
    return make_receipt(at.settings.secret_key, appeal.slug, f"{channel.value}-{target}", at.clock())


def just_counted(appeal: AppealView) -> str:
    """Return the channel and target, as `fax-1`, that the address proves to have been counted just now; else ""."""
    at = runtime()
    return read_receipt(at.settings.secret_key, appeal.slug, request.args.get("done", ""), at.clock()) or ""


def _next(steps: list[OfferedStep]) -> str | None:
    """The channel that comes after the last one done, or else the first that is neither done nor late."""
    last = max((place for place, step in enumerate(steps) if step.is_done), default=-1)
    left = [step for step in (*steps[last + 1 :], *steps[: last + 1]) if not step.is_done and not step.is_shut]
    return left[0].channel if left else None


def _destination(appeal: AppealView, step: ChannelStep, ways: tuple[ContactOption, ...]) -> str | None:
    """Where a letter by this channel goes: the targets' country, else the appeal's; an embassy's is its host's."""
    countries = {way.target.country for way in ways} - {None}
    if step.to_embassies:
        return countries.pop() if len(countries) == 1 else None
    return countries.pop() if len(countries) == 1 else appeal.country


def _who(target: TargetView) -> tuple[str, ...]:
    return tuple(part for part in (target.role, target.name) if part)
