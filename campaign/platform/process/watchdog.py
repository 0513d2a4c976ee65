"""The watchdog of a process with several loops: it ends the process when one of them hangs.

The service manager then starts the process again, and the mails that it had claimed become free when their leases end.
A thread can hang for reasons that cannot be foreseen: a connection that was cut silently, a lock in a library, a fault
of the interpreter. Mail must not wait until a person notices. The stages: docs/adr/0026-watchdog.md.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from types import FrameType, TracebackType
from typing import Self

from gunicorn.systemd import sd_notify

log = logging.getLogger(__name__)

# The exit status of a process that stands still: 14, because the second stage can end with no other number.
STANDSTILL_STATUS = int(signal.SIGALRM)
_MAX_FRAMES = 100


class Watchdog:
    """A context in which the process ends with `STANDSTILL_STATUS` when a loop or the interpreter stands still.

    A thread looks at the loops. When one is silent for too long, the thread writes all stacks to stderr and ends the
    process. While none is, it feeds the watchdog of systemd, if there is one, and starts a timer anew. The timer ends
    the process when that thread cannot run. There can be only one watchdog in a process, because it has one timer.
    """

    def __init__(self, seconds: float) -> None:
        """Allow each loop, and the interpreter, `seconds` of silence. The process ends within twice that time."""
        self._seconds = seconds
        self._last_beats: dict[Callable[..., None], float] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def __enter__(self) -> Self:
        _exit_on_alarm()
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        signal.setitimer(signal.ITIMER_REAL, 0)

    def run_watched(self, loop: Callable[..., None], *arguments: object) -> None:
        """Run the loop with its arguments and, as the last one, a function that it must call in each round.

        A loop that raises an exception counts as one that hangs.
        """
        self._beat(loop)
        loop(*arguments, lambda: self._beat(loop))
        del self._last_beats[loop]

    def _beat(self, loop: Callable[..., None]) -> None:
        """Record that the loop is alive."""
        self._last_beats[loop] = time.monotonic()

    def _watch(self) -> None:
        """Look at the loops a hundred times in the time that they are allowed, until the context ends."""
        while True:
            signal.setitimer(signal.ITIMER_REAL, self._seconds)
            silent_since = time.monotonic() - self._seconds
            for loop, last_beat in self._last_beats.copy().items():
                if last_beat <= silent_since:
                    _end_process(f"{loop.__name__} has stood still for {self._seconds:g} s")
            sd_notify("WATCHDOG=1", log)
            if self._ended.wait(self._seconds / 100):
                return


def _exit_on_alarm() -> None:
    """Make C's `_exit` the handler of SIGALRM: the process then ends with the signal's number as its status.

    A handler in Python would wait for the interpreter's lock. `_exit` needs no lock, and reads nothing of the process.
    """
    libc = ctypes.CDLL(None)
    libc.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
    libc.signal.restype = ctypes.c_void_p
    libc.signal(signal.SIGALRM, ctypes.cast(libc._exit, ctypes.c_void_p))


def _end_process(reason: str) -> None:
    """Write the reason and the stack of each other thread to stderr, and end the process at once."""
    try:
        _write(f"{reason}; the process ends with status {STANDSTILL_STATUS}\n")
        # threading.enumerate() would wait for a lock that the hanging thread may have.
        threads = dict(getattr(threading, "_active", {}))
        for number, frame in sys._current_frames().items():
            if number != threading.get_ident():
                _write(_stack(threads[number].name if number in threads else str(number), frame))
    finally:
        os._exit(STANDSTILL_STATUS)


def _stack(thread_name: str, frame: FrameType) -> str:
    """Return the thread's stack without lines of source, because a hanging disk may have these."""
    calls = (
        f'  File "{caller.f_code.co_filename}", line {line} in {caller.f_code.co_name}\n'
        for caller, line in islice(traceback.walk_stack(frame), _MAX_FRAMES)
    )
    return f'Thread "{thread_name}" (most recent call first):\n' + "".join(calls)


def _write(text: str) -> None:
    """Write to stderr past Python's buffer and its lock; write nothing if stderr is closed."""
    with suppress(OSError):
        os.write(2, text.encode(errors="backslashreplace"))
