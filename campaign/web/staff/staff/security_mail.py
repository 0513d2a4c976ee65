"""Flask-Security's mails, replaced by the application's texts and sent through its outbox."""

from __future__ import annotations

from typing import Any

from flask_security.mail_util import MailUtil

from campaign.domain.errors import InputError
from campaign.domain.signing.address import parse_address
from campaign.models import Staff
from campaign.platform import db
from campaign.services.staff.accounts import acting_as, password_notice
from campaign.web.staff.staff.access import visitor_context


class OutboxMail(MailUtil):
    """A mailer that writes to the outbox instead of sending, so that a log-in never waits for a mail server."""

    def normalize(self, email: str) -> str:
        """Return the address as accounts store it, in lower case. Raises ValueError if it is not a mail address."""
        try:
            return str(parse_address(email)).lower()
        except InputError as error:
            raise ValueError(str(error)) from error

    def validate(self, email: str) -> str:
        """Return the normalised address, without asking a name server whether its domain exists."""
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
        """Put the notice of the changed password into the outbox, in the current transaction."""
        staff: Staff = kwargs["user"]
        context = acting_as(staff, visitor_context())
        notice = password_notice(staff, context.settings.theme.name)
        notice.write(db.session().connection(), context=context)
