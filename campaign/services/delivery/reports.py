"""Reports of a worker on its mail queue, to staff and the log: paused, resumed, or a mail that cannot be decrypted."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.exc import DBAPIError

from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome
from campaign.mail.messages.alert_texts import queue_paused
from campaign.models.abuse.abuse import ALL_APPEALS
from campaign.platform.context import Context
from campaign.platform.database.errors import diagnose
from campaign.services.abuse.alert import alert_unopened, raise_alert

log = logging.getLogger(__name__)


def report_pause(attempt: DeliveryAttempt, *, context: Context) -> None:
    """Report that the mail server refuses all mail, so that none is sent for now."""
    answer = " ".join(str(part) for part in (attempt.code, attempt.detail) if part)
    log.error(
        "the mail queue is held: the server refuses us (%s: %s); it is tried again by itself",
        attempt.phase,
        answer,
    )
    if attempt.outcome is not DeliveryOutcome.SENDER_REFUSED:
        return  # an unreachable server is usually restarting, and needs no person's help

    def alert_text(locale: str) -> dict[str, str]:
        return queue_paused(locale, attempt, context.now, context.settings.base_url)

    _try_to_alert(lambda: raise_alert("mail-held", ALL_APPEALS, alert_text, context=context))


def report_undecryptable(*, context: Context) -> None:
    """Report that a mail cannot be sent because a sealed value cannot be decrypted."""
    _try_to_alert(lambda: alert_unopened(context=context))


def _try_to_alert(send_alert: Callable[[], object]) -> None:
    try:
        send_alert()
    except DBAPIError as error:  # the mails that were begun must still be sent
        log.warning("no alert could be sent by mail: %s", diagnose(error))


def report_resumed(began_at: datetime) -> None:
    """Report that the queue has resumed after a pause that began at that time."""
    log.warning("the mail queue goes on; it was held since %s", began_at.isoformat(timespec="seconds"))
