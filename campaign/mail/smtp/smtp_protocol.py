"""smtplib's SMTP client with a time limit for each whole reply.

A socket's own time-out begins anew with each byte, so a server that sends one byte a second would never exceed it.
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
# RFC 5321, 4.5.3.2.6: a server may take ten minutes to reply to the final dot. If the client disconnected earlier, it
# would not know whether the mail was accepted, and would send it again.
FINAL_DOT_SECONDS = 600
# The limit of one line and of a whole reply. RFC 5321, 4.5.3.1.5 allows 512 octets a line, so no mail server sends as
# much; the limit protects the memory.
_MAX_REPLY_BYTES = 65536


@functools.cache
def _local_hostname() -> str:
    """Return the name of this machine for EHLO. It is cached, because looking it up may take seconds."""
    name = socket.getfqdn()
    return name if "." in name else "[127.0.0.1]"


class SmtpProtocol(smtplib.SMTP):
    """An SMTP connection on which each reply must be complete within `reply_timeout` seconds."""

    def __init__(self, reply_timeout: float) -> None:
        self.reply_timeout = reply_timeout
        self._received = bytearray()
        super().__init__(timeout=reply_timeout, local_hostname=_local_hostname())

    def open(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        """Connect; with a context, use TLS from the first byte. Raises OSError, SMTPException."""
        self._host = host  # the certificate must be for this name
        self.sock = socket.create_connection((host, port), self.reply_timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            self.sock = context.wrap_socket(self.sock, server_hostname=host)
        code, text = self.getreply()
        if code != 220:
            raise smtplib.SMTPConnectError(code, text)

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Encrypt the connection by STARTTLS. Raises SMTPNotSupportedError where the server does not offer it."""
        if not self.has_extn("starttls"):
            raise smtplib.SMTPNotSupportedError("the server offers no STARTTLS")
        code, text = self.docmd("STARTTLS")
        if code != 220:
            raise smtplib.SMTPResponseException(code, text)
        if self._received:
            # These bytes came unencrypted, perhaps from a third party, and would be read as if they were encrypted.
            raise smtplib.SMTPServerDisconnected("the server sent data before TLS began")
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("the server closed the connection")
        self.sock.settimeout(self.reply_timeout)
        self.sock = context.wrap_socket(self.sock, server_hostname=self._host)
        self.helo_resp = self.ehlo_resp = None
        self.esmtp_features = {}
        self.does_esmtp = False

    def send_commands(self, *commands: str) -> None:
        """Send the commands in one write. Several commands require a server that supports pipelining (RFC 2920)."""
        self.write("".join(f"{command}\r\n" for command in commands).encode())

    def write(self, data: bytes) -> None:
        """Send all of the data within `reply_timeout` seconds. Raises OSError."""
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        self.sock.settimeout(self.reply_timeout)
        self.sock.sendall(data)

    def getreply(self) -> tuple[int, bytes]:
        """Return the code and the text of the whole reply.

        Closes the connection and raises OSError or SMTPException where no valid reply arrives.
        """
        deadline = time.monotonic() + self.reply_timeout
        lines: list[bytes] = []
        try:
            while True:
                line = self._read_line(deadline)
                if not line[:3].isdigit() or line[3:4] not in {b"", b" ", b"-"}:
                    raise smtplib.SMTPServerDisconnected("a reply without a code")
                lines.append(line[4:].strip())
                if line[3:4] != b"-":
                    return int(line[:3]), b"\n".join(lines)
                if sum(map(len, lines)) > _MAX_REPLY_BYTES:
                    raise smtplib.SMTPServerDisconnected("a reply that is too long")
        except (OSError, smtplib.SMTPException):
            self.close()
            raise

    def shut_down(self) -> None:
        """Shut down the socket, so that another thread that waits for it gets an error at once."""
        sock = self.sock
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _read_line(self, deadline: float) -> bytes:
        """Return the next line without its end. Raises OSError where it is not complete by the deadline."""
        while (end := self._received.find(b"\n")) < 0:
            remaining_seconds = deadline - time.monotonic()
            if remaining_seconds <= 0:
                raise TimeoutError("no reply in time")
            if self.sock is None:
                raise smtplib.SMTPServerDisconnected("not connected")
            self.sock.settimeout(remaining_seconds)
            data = self.sock.recv(8192)
            if not data:
                raise smtplib.SMTPServerDisconnected("the server closed the connection")
            self._received += data
            if len(self._received) > _MAX_REPLY_BYTES:
                raise smtplib.SMTPServerDisconnected("a line that is too long")
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        return line.rstrip(b"\r")
