"""PostgreSQL's connections: none waits for ever, and none stays with a server that takes no writes.

The server's own time-outs do not end a commit that waits for a synchronous standby: they are off by then. So the client
gives up. What it was told no end of may still have happened: the answer is "again, later", and everything that may be
sent again is written so that a second time changes nothing.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import psycopg
from psycopg import errors
from sqlalchemy import Dialect, Engine, event
from sqlalchemy.engine import ExceptionContext

from campaign.platform.database.time_limit import COMMIT_SECONDS, seconds_left, within

_CANCEL_SECONDS = 1.0
# For each host of the address. A machine that is gone without a word is noticed within 30 seconds.
CONNECT_ARGUMENTS: dict[str, Any] = {
    "connect_timeout": 3,
    "application_name": "tocsin",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
_READ_ONLY = errors.ReadOnlySqlTransaction.sqlstate


class TimeLimitError(errors.QueryCanceled):
    """The database gave no answer in time; whether it did what was asked is not known."""


class Connection(psycopg.Connection[Any]):
    """A connection whose waiting ends with its thread's time limit."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Return what the generator gives. Raises TimeLimitError, and the connection is closed then."""
        left = seconds_left()
        if left is None or (timeout is not None and timeout <= left):
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, left)
        except errors._WaitTimeout:
            self._give_up()
            raise TimeLimitError("the database did not answer in time") from None

    def _give_up(self) -> None:
        """End the statement on the server, or it would keep its connection there until the standby is back."""
        if not self.closed:
            with suppress(psycopg.Error, OSError):
                self.cancel_safe(timeout=_CANCEL_SECONDS)
            self.pgconn.finish()


class QueueConnection(Connection):
    """One of the job queue's, which commits with each statement."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Return what the generator gives. Raises TimeLimitError."""
        with within(COMMIT_SECONDS):
            return super().wait(gen, interval, timeout)


def prepare(engine: Engine) -> None:
    """Have the engine's pool hold such connections."""

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Dialect, _record: Any, arguments: list[Any], named: dict[str, Any]) -> Connection:
        return Connection.connect(*arguments, **named)

    @event.listens_for(engine, "handle_error")
    def _leave(context: ExceptionContext) -> None:
        """Give up the connections to a server that became a standby; the next ones look for the new primary."""
        if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY:
            context.is_disconnect = True


def queue_connection(address: str) -> QueueConnection:
    """Return a new connection of the job queue."""
    return QueueConnection.connect(address, **CONNECT_ARGUMENTS)
