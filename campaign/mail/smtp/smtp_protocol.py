"""The line to a mail server: smtplib's commands over a reader that limits the time of each whole answer.

A socket's time-out begins anew with each byte: a server that sends one byte a second would never trip it.
"""

from __future__ import annotations

import contextlib
import functools
import smtplib
import socket
import ssl
import time

CONNECT_SECONDS = 10
COMMAND_SECONDS = 30
# RFC 5321, 4.5.3.2.6: a server may take ten minutes to answer the final dot; hanging up before that duplicates mail.
FINAL_DOT_SECONDS = 600
# RFC 5321, 4.5.3.1.5 allows 512 octets a line; much more does not come from a mail server.
_LONGEST_ANSWER = 65536


@functools.cache
def _our_name() -> str:
    """Return the name of this machine for EHLO; looked up once, because that may take seconds."""
    name = socket.getfqdn()
    return name if "." in name else "[127.0.0.1]"


class SmtpProtocol(smtplib.SMTP):
    """A connection whose every answer must be complete within `patience` seconds."""

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self._received = bytearray()
        super().__init__(timeout=patience, local_hostname=_our_name())

    def open(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        """Connect, by TLS from the first byte where a context is given. Raises OSError, SMTPException."""
        self._host = host  # the name in its certificate
        self.sock = socket.create_connection((host, port), self.patience)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            self.sock = context.wrap_socket(self.sock, server_hostname=host)
        code, words = self.getreply()
        if code != 220:
            raise smtplib.SMTPConnectError(code, words)

    def secure(self, context: ssl.SSLContext) -> None:
        """Encrypt the line by STARTTLS. Raises SMTPNotSupportedError where the server does not offer it."""
        if not self.has_extn("starttls"):
            raise smtplib.SMTPNotSupportedError("the server offers no STARTTLS")
        code, words = self.docmd("STARTTLS")
        if code != 220:
            raise smtplib.SMTPResponseException(code, words)
        if self._received:
            # Text that came in clear would be read as if it had come encrypted: a third party put it there.
            raise smtplib.SMTPServerDisconnected("the server spoke too early")
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("the server has gone")
        self.sock.settimeout(self.patience)
        self.sock = context.wrap_socket(self.sock, server_hostname=self._host)
        self.helo_resp = self.ehlo_resp = None
        self.esmtp_features = {}
        self.does_esmtp = False

    def say(self, *commands: str) -> None:
        """Send commands in one piece; more than one only where the server supports pipelining."""
        self.write("".join(f"{command}\r\n" for command in commands).encode())

    def write(self, data: bytes) -> None:
        """Send all of the data within `patience`. Raises OSError."""
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        self.sock.settimeout(self.patience)
        self.sock.sendall(data)

    def getreply(self) -> tuple[int, bytes]:
        """Return the code and the text of the whole answer.

        Raises OSError, or SMTPException where it is no answer; the line is closed then.
        """
        until = time.monotonic() + self.patience
        lines: list[bytes] = []
        try:
            while True:
                line = self._line(until)
                if not line[:3].isdigit() or line[3:4] not in {b"", b" ", b"-"}:
                    raise smtplib.SMTPServerDisconnected("an answer without a code")
                lines.append(line[4:].strip())
                if line[3:4] != b"-":
                    return int(line[:3]), b"\n".join(lines)
                if sum(map(len, lines)) > _LONGEST_ANSWER:
                    raise smtplib.SMTPServerDisconnected("an endless answer")
        except (OSError, smtplib.SMTPException):
            self.close()
            raise

    def cut(self) -> None:
        """Break the line from another thread, so that a thread that waits on it finds it broken."""
        line = self.sock
        if line is not None:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def _line(self, until: float) -> bytes:
        while (end := self._received.find(b"\n")) < 0:
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError("no answer in time")
            if self.sock is None:
                raise smtplib.SMTPServerDisconnected("not connected")
            self.sock.settimeout(left)
            data = self.sock.recv(8192)
            if not data:
                raise smtplib.SMTPServerDisconnected("the server hung up")
            self._received += data
            if len(self._received) > _LONGEST_ANSWER:
                raise smtplib.SMTPServerDisconnected("an endless line")
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        return line.rstrip(b"\r")
