"""The forms as supporters send them; what is wrong is said in the page's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext, lazy_gettext
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, Form, StringField

from campaign.domain.country import COUNTRIES
from campaign.domain.errors import InputError
from campaign.domain.signing.address import Address, parse_address
from campaign.domain.signing.name import clean_name
from campaign.domain.signing.signature import clean_via
from campaign.queries.moderation.floods import is_uncarried

# What each refusal of the domain says to the person who typed.
MESSAGES = {
    ("name", "missing"): lazy_gettext("Please write your name."),
    ("name", "too-long"): lazy_gettext("This name is too long: 200 characters at most."),
    ("name", "no-letters"): lazy_gettext("Please write your name with letters."),
    ("name", "unreadable"): lazy_gettext("We could not read this name. Please type it again."),
    ("name", "link"): lazy_gettext("A name cannot hold a link or an address. Leave a space after a point."),
    ("name", "characters"): lazy_gettext(
        "Please write your name with letters, spaces, hyphens and apostrophes only, and points after initials."
    ),
    ("name", "scripts"): lazy_gettext("Please put a space between letters of different alphabets."),
    ("email", "missing"): lazy_gettext("Please write your e-mail address."),
    ("email", "too-long"): lazy_gettext("This address is too long to be one."),
    ("email", "not-an-address"): lazy_gettext("This does not look like an e-mail address. It needs an @ and a domain."),
    ("email", "words"): lazy_gettext("Please write the e-mail address alone, without other words."),
    ("email", "not-carried"): lazy_gettext(
        "We cannot send mail to an address with such letters before the @. Please use another address."
    ),
    ("country", "missing"): lazy_gettext("Please choose your country."),
    ("country", "unknown"): lazy_gettext("Please choose a country of the list."),
    ("consent", "missing"): lazy_gettext("We may keep your signature only if you agree."),
    ("trap", "filled"): lazy_gettext(
        "A hidden field was filled in, perhaps by your browser. It is empty again: please press the button once more."
    ),
}

# Of another address for what was signed.
ADDRESS_FAULTS = {code: words for (field, code), words in MESSAGES.items() if field == "email"} | {
    "same": lazy_gettext("This is the address that we have already."),
}


class SignForm(Form):
    """The sign-up. The country is plain text here: a field with 250 choices would cost more than all the rest."""

    name = StringField()
    email = StringField()
    country = StringField()
    consent = BooleanField(false_values=("", "0", "n", "false"))
    via = StringField()
    # The address that the form has asked back about; sent again unchanged, it is taken as it is.
    checked = StringField()
    # What the human check asked for while a flood goes on: solved by a script, or a ticket of who waited.
    proof = StringField()
    ticket = StringField()
    # Hidden from people: a program fills it. Its name is one that browsers and password managers know nothing for.
    leave_empty = StringField()


@dataclass(frozen=True, slots=True)
class SignerInput:
    """A sign-up whose every field is usable."""

    name: str
    address: Address
    country: str
    via: str | None


@dataclass(frozen=True, slots=True)
class SignFormInput:
    """The form as it came: its values, and either a usable signer or what is wrong with which field.

    `question` is what the form asks about an address that looks wrong; sent again unchanged, it is taken.
    """

    values: dict[str, Any]
    signer: SignerInput | None
    errors: dict[str, Any]
    question: Any = None
    proof: str = ""
    ticket: str = ""


def read_sign_form(sent: MultiDict[str, str]) -> SignFormInput:
    """Checks every field, so that one answer names all that is wrong."""
    form = SignForm(sent)
    values = {name: form[name].data for name in ("name", "email", "country", "consent", "via")}
    errors: dict[str, Any] = {}
    name = address = None
    try:
        name = clean_name(form.name.data or "")
    except InputError as error:
        errors["name"] = MESSAGES["name", error.code]
    try:
        address = parse_address(form.email.data or "")
    except InputError as error:
        errors["email"] = MESSAGES["email", error.code]
    country = (form.country.data or "").strip().upper()
    if country not in COUNTRIES:
        errors["country"] = MESSAGES["country", "unknown" if country else "missing"]
    if not form.consent.data:
        errors["consent"] = MESSAGES["consent", "missing"]
    if form.leave_empty.data:
        errors["form"] = MESSAGES["trap", "filled"]
    question = ask_about(address) if address is not None and form.checked.data != form.email.data else None
    signer = None
    if not errors and not question and name is not None and address is not None:
        signer = SignerInput(name, address, country, clean_via(form.via.data))
    return SignFormInput(values, signer, errors, question, proof=form.proof.data or "", ticket=form.ticket.data or "")


@dataclass(frozen=True, slots=True)
class AddressInput:
    """An address as it came in a form of its own; `fault` or `question` says why there is none to be used."""

    typed: str
    address: Address | None
    fault: Any = None
    question: Any = None


def read_address(sent: Mapping[str, str], now: datetime) -> AddressInput:
    """Return the address of the field `email`, asked about as in the sign form; sent again as it is, it is taken."""
    typed = sent.get("email", "")
    try:
        address = parse_address(typed)
    except InputError as error:
        return AddressInput(typed, None, fault=MESSAGES["email", error.code])
    if sent.get("checked") != typed and (question := ask_about(address)):
        return AddressInput(typed, None, question=question)
    if address.is_international and is_uncarried(now):
        return AddressInput(typed, None, fault=MESSAGES["email", "not-carried"])
    return AddressInput(typed, address)


def ask_about(address: Address) -> Any:
    """Return the question about an address that is valid and probably not the one that was meant, None without one."""
    if address.suggestion:
        return gettext("Did you mean %(address)s? Correct it, or send it as it is.", address=address.suggestion)
    if not address.has_known_ending:
        ending = address.domain.rpartition(".")[2]
        return gettext("No address ends in “.%(ending)s”. Correct it, or send it as it is.", ending=ending)
    if address.is_international:
        return gettext(
            "Many mail servers cannot carry letters such as é or я before the @: the mail may not reach you. "
            "Use another address if you have one, or send it as it is."
        )
    return None
