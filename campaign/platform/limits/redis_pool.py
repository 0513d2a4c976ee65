"""Connections to Redis with short time-outs and a pause after a failure, so that no request waits for long.

Without time-outs, a server that hangs would block every thread. During the pause every call fails at once, so that
requests wait for at most one time-out in a few seconds.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from redis import ConnectionPool
from redis.backoff import NoBackoff
from redis.connection import Connection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from campaign.platform.process.log_throttle import LogThrottle

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 0.3
PAUSE_SECONDS = 5.0
_CONNECTION_ERRORS = (RedisConnectionError, RedisTimeoutError, OSError)
# All errors that the client raises; any other is an error of this program.
CLIENT_ERRORS = (RedisError, OSError)


class PausingPool(ConnectionPool):
    """A pool that refuses to give connections for PAUSE_SECONDS after one of them failed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._paused_until = float("-inf")
        self.connection_class = _pausing(self, self.connection_class)

    def get_connection(self, *args: Any, **kwargs: Any) -> Connection:
        """Return a connection.

        Raises:
            ConnectionError: Redis failed less than PAUSE_SECONDS ago, or fails now.
        """
        if time.monotonic() < self._paused_until:
            raise RedisConnectionError("Redis failed a moment ago")
        return super().get_connection(*args, **kwargs)

    def pause(self) -> None:
        """Start a pause of PAUSE_SECONDS."""
        self._paused_until = time.monotonic() + PAUSE_SECONDS


def _pausing(pool: PausingPool, base: type[Connection]) -> type[Connection]:
    """Return a subclass of `base` that pauses the pool when a connection fails."""

    class Pausing(base):  # type: ignore[valid-type, misc]
        def connect(self) -> None:
            try:
                super().connect()
            except _CONNECTION_ERRORS:
                pool.pause()
                raise

        def read_response(self, *args: Any, **kwargs: Any) -> Any:
            try:
                return super().read_response(*args, **kwargs)
            except _CONNECTION_ERRORS:
                pool.pause()
                raise

    return Pausing


def pausing_pool(url: str) -> ConnectionPool:
    """Return a pool of connections for the limits' storage or for the job queue."""
    never = Retry(NoBackoff(), 0)
    return PausingPool.from_url(
        url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, retry=never
    )


_throttle = LogThrottle()


def log_outage(error: BaseException) -> None:
    """Log that the limits' storage fails: once a minute, because each request meets the failure several times."""
    if _throttle.is_due():
        log.warning("the limits' storage is away, so each process counts for itself: %s", type(error).__name__)


class LimitsLogFilter(logging.Filter):
    """A filter for the logger of the limits' library, which would write a traceback at each request."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace the library's lines about failures by one line a minute."""
        if record.levelno < logging.WARNING:
            return True
        failure = record.exc_info[1] if record.exc_info else None
        log_outage(failure or RedisConnectionError())
        return False
