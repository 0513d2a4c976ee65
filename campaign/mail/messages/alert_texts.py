"""Texts of alerts to staff, in the reader's language."""

from __future__ import annotations

from datetime import datetime

from flask_babel import force_locale, gettext

from campaign.domain.outbox.mail_state import DeliveryAttempt


def unopened(locale: str, base_url: str) -> dict[str, str]:
    """Return the alert that a sealed name or address does not open: a key is missing, or the database was changed."""
    with force_locale(locale):
        subject = gettext("something in the database does not open")
        text = gettext(
            "A name or an address could not be opened: a data key is missing, or someone changed or moved the value in "
            "the database. The log of the server says which. Please tell the people who run the server at once."
        )
    return {"subject": subject, "text": text, "url": f"{base_url}/staff/outbox"}


def held(locale: str, attempt: DeliveryAttempt, at: datetime, base_url: str) -> dict[str, str]:
    """Return the alert that the mail server refuses all mail.

    It leaves once the server takes mail again; until then the staff pages say so.
    """
    answer = " ".join(str(part) for part in (attempt.phase, attempt.code, attempt.detail) if part)
    with force_locale(locale):
        subject = gettext("the mail server refused all mail")
        text = gettext(
            "Since %(time)s (UTC) our mail server has refused whatever we sent. Nothing is lost: one mail is tried now "
            "and then, and all go on once it goes through. That you read this means that it has. Please see to the "
            "cause:",
            time=f"{at:%Y-%m-%d %H:%M}",
        )
    return {"subject": subject, "text": f"{text}\n\n{answer}", "url": f"{base_url}/staff/outbox"}


def new_domain(locale: str, base_url: str) -> dict[str, str]:
    """Return the alert that many confirmed from a mail domain from which hardly any signature came before."""
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
    words: str = gettext(
        "If no such domain is shown there, the data was erased at once: then choose the days under “Erased signatures”."
    )
    return words


def new_domains(locale: str, base_url: str) -> dict[str, str]:
    """Return the alert that many confirmed within an hour from new mail domains, all of them together."""
    with force_locale(locale):
        subject = gettext("Many confirmed signatures from several new mail domains")
        text = gettext(
            "Within an hour or two, many signatures were confirmed from mail domains from which nobody, or hardly "
            "anybody, confirmed before this week, perhaps only a few from each. They count. If these are real people, "
            "nothing need be done. Otherwise choose the domains in “Moderation” and take them out of the counts."
        )
        text = f"{text} {_where_erased()}"
    return {"subject": subject, "text": f"{subject}. {text}", "url": f"{base_url}/staff/moderation/domains"}
