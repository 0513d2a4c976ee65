"""Forms for supporters, with error messages in the page's language."""

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
from campaign.queries.moderation.floods import is_server_ascii_only

# The message for each error of the domain, by field and code.
INPUT_ERRORS = {
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

# Messages for the form that changes the address of a signature.
ADDRESS_ERRORS = {code: message for (field, code), message in INPUT_ERRORS.items() if field == "email"} | {
    "same": lazy_gettext("This is the address that we have already."),
}


class SignForm(Form):
    """The sign-up form. The country is plain text: a field with 250 choices would cost more than all other fields."""

    name = StringField()
    email = StringField()
    country = StringField()
    consent = BooleanField(false_values=("", "0", "n", "false"))
    via = StringField()
    # The address about which the form asked a question. If it is sent again unchanged, it is accepted.
    checked = StringField()
    # Answers to the human check during a flood: a puzzle solved by the script, or a ticket after waiting.
    proof = StringField()
    ticket = StringField()
    # People do not see this field; programs that send spam fill it in. Browsers and password managers do not know its
    # name, so they leave it empty.
    leave_empty = StringField()


@dataclass(frozen=True, slots=True)
class SignerInput:
    """A sign-up whose fields are all usable."""

    name: str
    address: Address
    country: str
    via: str | None


@dataclass(frozen=True, slots=True)
class SignFormInput:
    """The form as sent: its values, and either a usable signer or the errors by field.

    `question` is the form's question about an address that looks wrong; sent again unchanged, the address is accepted.
    """

    values: dict[str, Any]
    signer: SignerInput | None
    errors: dict[str, Any]
    question: Any = None
    proof: str = ""
    ticket: str = ""


def read_sign_form(form_data: MultiDict[str, str]) -> SignFormInput:
    """Return the checked form; all fields are checked, so that one answer names all errors."""
    form = SignForm(form_data)
    values = {name: form[name].data for name in ("name", "email", "country", "consent", "via")}
    errors: dict[str, Any] = {}
    name = address = None
    try:
        name = clean_name(form.name.data or "")
    except InputError as error:
        errors["name"] = INPUT_ERRORS["name", error.code]
    try:
        address = parse_address(form.email.data or "")
    except InputError as error:
        errors["email"] = INPUT_ERRORS["email", error.code]
    country = (form.country.data or "").strip().upper()
    if country not in COUNTRIES:
        errors["country"] = INPUT_ERRORS["country", "unknown" if country else "missing"]
    if not form.consent.data:
        errors["consent"] = INPUT_ERRORS["consent", "missing"]
    if form.leave_empty.data:
        errors["form"] = INPUT_ERRORS["trap", "filled"]
    question = address_question(address) if address is not None and form.checked.data != form.email.data else None
    signer = None
    if not errors and not question and name is not None and address is not None:
        signer = SignerInput(name, address, country, clean_via(form.via.data))
    return SignFormInput(values, signer, errors, question, proof=form.proof.data or "", ticket=form.ticket.data or "")


@dataclass(frozen=True, slots=True)
class AddressInput:
    """The address field of a form: its text as sent, and the address; without one, `error` or `question` says why."""

    text: str
    address: Address | None
    error: Any = None
    question: Any = None


def read_address(form_data: Mapping[str, str], now: datetime) -> AddressInput:
    """Return the address of the field `email`, or its error, or the question about an address that looks wrong.

    Sent again unchanged, the address is accepted.
    """
    text = form_data.get("email", "")
    try:
        address = parse_address(text)
    except InputError as error:
        return AddressInput(text, None, error=INPUT_ERRORS["email", error.code])
    if form_data.get("checked") != text and (question := address_question(address)):
        return AddressInput(text, None, question=question)
    if address.is_international and is_server_ascii_only(now):
        return AddressInput(text, None, error=INPUT_ERRORS["email", "not-carried"])
    return AddressInput(text, address)


def address_question(address: Address) -> Any:
    """Return the question about an address that is valid but probably not the intended one, or None."""
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
