"""PostgreSQL connections with a time limit, which are dropped when their server becomes read-only.

The server's own time-outs do not end a commit that waits for a synchronous standby, so the client ends the wait. The
commit may have taken effect nevertheless. Therefore the page says "try again later", and repeating a request changes
nothing.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import psycopg
from psycopg import errors
from sqlalchemy import Dialect, Engine, event
from sqlalchemy.engine import ExceptionContext

from campaign.platform.database.time_limit import COMMIT_SECONDS, limit_waits, remaining_seconds

_CANCEL_SECONDS = 1.0
# Of each connection attempt to one host. A machine that disappears without closing its connections is noticed within
# 30 seconds.
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


class LimitedConnection(psycopg.Connection[Any]):
    """A connection that waits no longer than its thread's time limit."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Return the generator's result, as psycopg does.

        Raises:
            TimeLimitError: The time limit has passed; the connection is closed.
        """
        remaining = remaining_seconds()
        if remaining is None or (timeout is not None and timeout <= remaining):
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, remaining)
        except errors._WaitTimeout:
            self._cancel_and_close()
            raise TimeLimitError("the database did not answer in time") from None

    def _cancel_and_close(self) -> None:
        """Cancel the statement on the server and close the connection.

        A statement that goes on would occupy a connection of the server until the standby is back.
        """
        if not self.closed:
            with suppress(psycopg.Error, OSError):
                self.cancel_safe(timeout=_CANCEL_SECONDS)
            self.pgconn.finish()


class QueueConnection(LimitedConnection):
    """A connection of the job queue. It commits each statement at once, so every wait has the limit of a commit."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Return the generator's result, as psycopg does. Raises TimeLimitError after COMMIT_SECONDS."""
        with limit_waits(COMMIT_SECONDS):
            return super().wait(gen, interval, timeout)


def prepare(engine: Engine) -> None:
    """Make the engine open connections with a time limit, and drop those to a server that became read-only."""

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Dialect, _record: Any, arguments: list[Any], named: dict[str, Any]) -> LimitedConnection:
        return LimitedConnection.connect(*arguments, **named)

    @event.listens_for(engine, "handle_error")
    def _drop_read_only_connections(context: ExceptionContext) -> None:
        """Drop the connections to a server that became a standby; new connections are made to the new primary."""
        if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY:
            context.is_disconnect = True


def queue_connection(address: str) -> QueueConnection:
    """Return a new connection of the job queue."""
    return QueueConnection.connect(address, **CONNECT_ARGUMENTS)
