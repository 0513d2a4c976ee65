"""Texts of alerts to staff, in the reader's language."""

from __future__ import annotations

from datetime import datetime

from flask_babel import force_locale, gettext

from campaign.domain.outbox.mail_state import DeliveryAttempt


def undecryptable_value(locale: str, base_url: str) -> dict[str, str]:
    """Return the alert that a sealed name or address cannot be decrypted, for lack of a key or after a change."""
    with force_locale(locale):
        subject = gettext("something in the database does not open")
        text = gettext(
            "A name or an address could not be opened: a data key is missing, or someone changed or moved the value in "
            "the database. The log of the server says which. Please tell the people who run the server at once."
        )
    return {"subject": subject, "text": text, "url": f"{base_url}/staff/outbox"}


def queue_paused(locale: str, attempt: DeliveryAttempt, began_at: datetime, base_url: str) -> dict[str, str]:
    """Return the alert that the mail server refuses all mail.

    It is sent once the server accepts mail again; until then staff pages show the pause.
    """
    answer = " ".join(str(part) for part in (attempt.phase, attempt.code, attempt.detail) if part)
    with force_locale(locale):
        subject = gettext("the mail server refused all mail")
        text = gettext(
            "Since %(time)s (UTC) our mail server has refused whatever we sent. Nothing is lost: one mail is tried now "
            "and then, and all go on once it goes through. That you read this means that it has. Please see to the "
            "cause:",
            time=f"{began_at:%Y-%m-%d %H:%M}",
        )
    return {"subject": subject, "text": f"{text}\n\n{answer}", "url": f"{base_url}/staff/outbox"}


def new_domain(locale: str, base_url: str) -> dict[str, str]:
    """Return the alert that many signatures were confirmed from a mail domain that had hardly any before."""
    with force_locale(locale):
        subject = gettext("Many confirmed signatures from a new mail domain")
        text = gettext(
            "Many signatures were confirmed from a mail domain from which nobody, or hardly anybody, confirmed before "
            "this week. They count. If these are real people, such as a school or a company, nothing need be done. "
            "Otherwise choose the domains in “Moderation” and take them out of the counts."
        )
        text = f"{text} {_where_erased()}"
    return {"subject": subject, "text": f"{subject}. {text}", "url": f"{base_url}/staff/moderation/domains"}


def _where_erased() -> str:
    sentence: str = gettext(
        "If no such domain is shown there, the data was erased at once: then choose the days under “Erased signatures”."
    )
    return sentence


def new_domains(locale: str, base_url: str) -> dict[str, str]:
    """Return the alert that many signatures were confirmed within an hour from several new mail domains together."""
    with force_locale(locale):
        subject = gettext("Many confirmed signatures from several new mail domains")
        text = gettext(
            "Within an hour or two, many signatures were confirmed from mail domains from which nobody, or hardly "
            "anybody, confirmed before this week, perhaps only a few from each. They count. If these are real people, "
            "nothing need be done. Otherwise choose the domains in “Moderation” and take them out of the counts."
        )
        text = f"{text} {_where_erased()}"
    return {"subject": subject, "text": f"{subject}. {text}", "url": f"{base_url}/staff/moderation/domains"}


def flood(kind: str, locale: str, *, headline: str, url: str) -> dict[str, str]:
    """Return the alert that an abuse limit of that kind was reached. `headline` is the appeal's, or empty."""
    with force_locale(locale):
        subject, advice = _flood_subject_and_advice(kind)
        hint = gettext("In “Moderation” you see those of your own section.")
    return {
        "subject": subject,
        "text": f"{subject}. {advice} {hint}" + (f"\n\n{headline}" if headline else ""),
        "url": url,
    }


def _flood_subject_and_advice(kind: str) -> tuple[str, str]:
    """Return the subject, and the advice that follows from it."""
    subject = {
        "domain": gettext("Very many sign-ups with addresses of one mail domain"),
        "appeal": gettext("Very many sign-ups for one appeal"),
        "all": gettext("Very many sign-ups"),
        "network": gettext("Very many sign-ups from networks side by side"),
        "unconfirmed": gettext("Most of those who sign do not confirm"),
        "confirmed-network": gettext("Many signatures confirmed from one network"),
        "reports": gettext("Very many letters reported without a signature"),
        "signed-reports": gettext("Very many letters reported by signers"),
        "views": gettext("Very many page views of one appeal"),
    }[kind]
    if kind == "views":
        return subject, gettext("More than the usual are not counted until it is over.")
    if kind == "confirmed-network":
        return subject, gettext("They count. If these are real people, such as a school, nothing need be done.")
    if kind == "signed-reports":
        return subject, gettext(
            "All of them are counted. Taking a signature out of the counts takes its letters out too."
        )
    if kind == "reports":
        return subject, gettext(
            "Since a moment ago each browser is asked for a proof of work before a letter is counted, and beyond a cap "
            "none is. What is not real can be taken out of the counts, by hour and network."
        )
    return subject, gettext(
        "Since a moment ago the form asks each browser for a proof of work. Nothing unconfirmed is counted. "
        "If these are real people, nothing need be done."
    )
