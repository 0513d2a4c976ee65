"""Reports of a worker on its mail queue, to staff and the log: held, going on, or not to be opened."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.exc import DBAPIError

from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome
from campaign.mail.messages.alert_texts import queue_paused
from campaign.platform.context import Context
from campaign.platform.database.errors import diagnose
from campaign.services.abuse.alert import alert_unopened, raise_alert

log = logging.getLogger(__name__)


def report_pause(attempt: DeliveryAttempt, *, context: Context) -> None:
    """Tell that the mail server refuses us, and no mail leaves for now."""
    said = " ".join(str(part) for part in (attempt.code, attempt.detail) if part)
    log.error(
        "the mail queue is held: the server refuses us (%s: %s); it is tried again by itself", attempt.phase, said
    )
    if attempt.outcome is not DeliveryOutcome.HELD:
        return  # a server that restarts needs nobody

    def words(locale: str) -> dict[str, str]:
        return queue_paused(locale, attempt, context.now, context.settings.base_url)

    _told(lambda: raise_alert("mail-held", 0, words, context=context))


def report_unopened(*, context: Context) -> None:
    """Tell that a mail cannot be sent because something sealed does not open."""
    _told(lambda: alert_unopened(context=context))


def _told(raise_it: Callable[[], object]) -> None:
    try:
        raise_it()
    except DBAPIError as error:  # what was begun meanwhile must still be handed over
        log.warning("nobody was told by mail: %s", diagnose(error))


def report_resumed(began_at: datetime) -> None:
    """Tell that the queue goes on, which was held since then."""
    log.warning("the mail queue goes on; it was held since %s", began_at.isoformat(timespec="seconds"))
