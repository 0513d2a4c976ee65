"""PostgreSQL connections: none waits for ever, and none stays with a server that has become read-only.

The server's own time-outs do not end a commit that waits for a synchronous standby: they are off by then. So the client
gives up. The commit may have happened all the same; therefore the page says "try again later", and every request that
may be repeated is written so that the second time changes nothing.
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
# For each host of the address. A machine that disappears without closing its connections is noticed within 30 seconds.
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
    """The database gave no answer in time. The statement may or may not have been executed."""


class Connection(psycopg.Connection[Any]):
    """A connection that waits no longer than its thread's time limit."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Return the generator's result, as psycopg does.

        Raises:
            TimeLimitError: The time limit has passed; the connection is closed.
        """
        left = seconds_left()
        if left is None or (timeout is not None and timeout <= left):
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, left)
        except errors._WaitTimeout:
            self._give_up()
            raise TimeLimitError("the database did not answer in time") from None

    def _give_up(self) -> None:
        """Cancel the statement on the server; else it would occupy a connection there until the standby is back."""
        if not self.closed:
            with suppress(psycopg.Error, OSError):
                self.cancel_safe(timeout=_CANCEL_SECONDS)
            self.pgconn.finish()


class QueueConnection(Connection):
    """A connection of the job queue. It commits with each statement, so every wait has the limit of a commit."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Return the generator's result, as psycopg does. Raise TimeLimitError."""
        with within(COMMIT_SECONDS):
            return super().wait(gen, interval, timeout)


def prepare(engine: Engine) -> None:
    """Make the engine's pool open connections of this kind."""

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Dialect, _record: Any, arguments: list[Any], named: dict[str, Any]) -> Connection:
        return Connection.connect(*arguments, **named)

    @event.listens_for(engine, "handle_error")
    def _leave(context: ExceptionContext) -> None:
        """Drop the connections to a server that became a standby; new ones look for the new primary."""
        if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY:
            context.is_disconnect = True


def queue_connection(address: str) -> QueueConnection:
    """Return a new connection of the job queue."""
    return QueueConnection.connect(address, **CONNECT_ARGUMENTS)
