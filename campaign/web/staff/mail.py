"""Flask-Security's mails, written by us and sent through our outbox."""

from __future__ import annotations

from typing import Any

from flask_babel import force_locale, gettext
from flask_security.mail_util import MailUtil
from flask_security.utils import url_for_security

from campaign.domain.address import parse_address
from campaign.domain.errors import InputError
from campaign.domain.outbox import MailKind
from campaign.extensions import db
from campaign.extensions.runtime import runtime
from campaign.models import Staff
from campaign.services.notify import Notice, owe_notice


class OutboxMail(MailUtil):
    """Owes each mail instead of sending it: a log-in never waits for a mail server."""

    def normalize(self, email: str) -> str:
        """The address as accounts keep it: in lower case. Raises ValueError where it is none."""
        try:
            return str(parse_address(email)).lower()
        except InputError as error:
            raise ValueError(str(error)) from error

    def validate(self, email: str) -> str:
        """The same: no name server is asked whether an address that somebody typed here exists."""
        return self.normalize(email)

    def send_mail(
        self,
        template: str,
        subject: Any,
        recipient: Any,
        sender: Any,
        body: str | None,
        html: str | None,
        **kwargs: Any,
    ) -> None:
        """Puts the notice into the outbox, in the transaction at hand or, asked for a link, in one of its own."""
        staff: Staff = kwargs["user"]
        at = runtime()
        with force_locale(staff.locale):
            said, url = str(subject), _reset_link(kwargs.get("reset_token"))
            if url:
                text = gettext("Somebody, you we hope, asked for a new password. Choose it here within one hour:")
            else:
                text = gettext("The password of your account was changed a moment ago.")
        owed = Notice(MailKind.STAFF_SECURITY, parse_address(staff.email), said, text, url, staff.locale)
        given: dict[str, Any] = {"now": at.clock(), "vault": at.vault, "domain": at.mail_domain}
        if url:
            owe_notice(owed, **given)
        else:
            owed.write(db.session().connection(), **given)


def _reset_link(token: str | None) -> str:
    """Return the link of a reset mail, from the base URL; Flask-Security's own would begin with the request's host."""
    return runtime().settings.base_url + url_for_security("reset_password", token=token) if token else ""
