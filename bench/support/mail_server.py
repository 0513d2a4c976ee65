"""A mail server that accepts every message and writes one in a hundred to a file.

Run it by `python -m bench.support.mail_server PORT FILE`.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Sink:
    """A handler that accepts everything, and writes one message in a hundred to the file."""

    def __init__(self, message_file: Path) -> None:
        self._message_file = message_file
        self._count = 0

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        self._count += 1
        if self._count % 100 == 1:
            assert isinstance(envelope.content, bytes)
            self._message_file.write_bytes(envelope.content)
        return "250 OK"


if __name__ == "__main__":
    Controller(Sink(Path(sys.argv[2])), hostname="127.0.0.1", port=int(sys.argv[1])).start()
    threading.Event().wait()
