"""Sending of signals whose receivers may fail without stopping the sender."""

from __future__ import annotations

import logging
from typing import Any

from blinker import NamedSignal

log = logging.getLogger(__name__)


def send_robust(signal: NamedSignal, sender: object = None, **arguments: Any) -> None:
    """Call each receiver with the sender and the arguments. Log the errors of receivers instead of raising them."""
    for receiver in signal.receivers_for(sender):
        try:
            receiver(sender, **arguments)
        except Exception:  # a broken receiver must not stop the mail
            log.exception("a receiver of %s failed", signal.name)
