"""How messages leave: by SMTP, or into a Maildir where the mailbox page of the demonstration finds them.

Flask-Mail's own connection has no time-outs and tells a refused recipient from a broken line only by guessing, so the
connection is ours; the message is Flask-Mail's.
"""

from __future__ import annotations

import mailbox
import smtplib
import socket
import ssl
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import unquote, urlsplit

from campaign.domain.outbox import Attempt, Outcome

CONNECT_SECONDS = 10
COMMAND_SECONDS = 30
# RFC 5321, 4.5.3.2.6: a server may take ten minutes to answer the final dot; hanging up before that duplicates mail.
FINAL_DOT_SECONDS = 600


class Transport(Protocol):
    """Sends one message after the other; nothing is raised, each call answers what became of it."""

    def send(self, sender: str, recipient: str, message: bytes) -> Attempt: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class MaildirTransport:
    """Delivers into one Maildir."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._box = mailbox.Maildir(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._box.close()

    def send(self, sender: str, recipient: str, message: bytes) -> Attempt:
        """Sent once the file is on the disk."""
        try:
            self._box.add(message)
        except OSError as error:
            return Attempt(Outcome.RETRY, "maildir", detail=str(error.strerror))
        return Attempt(Outcome.SENT, "maildir")


class SmtpTransport:
    """One connection for as many messages as it lasts; opened at the first, opened again after it broke."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._scheme = parts.scheme
        self._host = parts.hostname or ""
        self._port = parts.port or {"smtp": 25, "smtps": 465, "smtp+starttls": 587}[parts.scheme]
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password or "")
        self._connection: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hang_up(politely=True)

    def send(self, sender: str, recipient: str, message: bytes) -> Attempt:
        """The outcome by phase and code: 4xx later, 5xx never, a break before the final dot later, after it unknown."""
        phase = "connect"
        try:
            connection = self._connected()
            phase = "mail"
            options = [] if recipient.isascii() else ["SMTPUTF8", "BODY=8BITMIME"]
            answer = connection.mail(sender, options)
            if answer[0] != 250:
                return self._refused(phase, answer)
            phase = "rcpt"
            answer = connection.rcpt(recipient)
            if answer[0] not in {250, 251}:
                return self._refused(phase, answer)
            phase = "data"
            answer = connection.docmd("DATA")
            if answer[0] != 354:
                return self._refused(phase, answer)
            return self._content(connection, message)
        except smtplib.SMTPResponseException as error:
            self._hang_up()
            return _by_code(phase, error.smtp_code, error.smtp_error)
        except (OSError, smtplib.SMTPException) as error:
            self._hang_up()
            return Attempt(Outcome.RETRY, phase, detail=type(error).__name__)

    def _content(self, connection: smtplib.SMTP, message: bytes) -> Attempt:
        """The message and the final dot: from its last byte on, a break leaves the outcome unknown."""
        lines = message.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        quoted = b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines)
        assert connection.sock is not None  # noqa: S101  the DATA command has just been answered on it
        try:
            connection.sock.sendall(quoted.rstrip(b"\r\n") + b"\r\n")
        except OSError as error:
            self._hang_up()
            return Attempt(Outcome.RETRY, "content", detail=type(error).__name__)
        try:
            connection.sock.settimeout(FINAL_DOT_SECONDS)
            connection.sock.sendall(b".\r\n")
            answer = connection.getreply()
            if connection.sock is not None:
                connection.sock.settimeout(COMMAND_SECONDS)
        except (OSError, smtplib.SMTPException) as error:
            self._hang_up()
            return Attempt(Outcome.AMBIGUOUS, "dot", detail=type(error).__name__)
        if answer[0] != 250:
            return self._refused("dot", answer)
        return Attempt(Outcome.SENT, "dot", answer[0])

    def _connected(self) -> smtplib.SMTP:
        if self._connection is not None:
            return self._connection
        context = ssl.create_default_context()
        connection: smtplib.SMTP
        if self._scheme == "smtps":
            connection = smtplib.SMTP_SSL(timeout=CONNECT_SECONDS, context=context)
            connection._host = self._host  # type: ignore[attr-defined]
        else:
            connection = smtplib.SMTP(timeout=CONNECT_SECONDS)
            connection._host = self._host  # type: ignore[attr-defined]
        code, words = connection.connect(self._host, self._port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, words)
        self._connection = connection
        if connection.sock is not None:
            connection.sock.settimeout(COMMAND_SECONDS)
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.ehlo_or_helo_if_needed()
        if self._scheme == "smtp+starttls":
            connection.starttls(context=context)
            connection.ehlo()
        if self._user is not None:
            connection.login(self._user, self._password)
        return connection

    def _refused(self, phase: str, answer: tuple[int, bytes]) -> Attempt:
        attempt = _by_code(phase, *answer)
        if answer[0] in {421, -1}:
            self._hang_up()
        elif self._connection is not None:
            try:
                self._connection.rset()
            except (OSError, smtplib.SMTPException):
                self._hang_up()
        return attempt

    def _hang_up(self, *, politely: bool = False) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            if politely:
                connection.quit()
            else:
                connection.close()
        except (OSError, smtplib.SMTPException):
            connection.close()


def _by_code(phase: str, code: int, words: bytes | str) -> Attempt:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    # A server may quote the address; what is kept must not tell who signed.
    kept = " ".join(word for word in text.split() if "@" not in word)[:200]
    outcome = Outcome.DEAD if 500 <= code < 600 else Outcome.RETRY
    return Attempt(outcome, phase, code, kept)


def open_transport(url: str) -> Transport:
    """The transport that TOCSIN_MAIL_URL names."""
    if url.startswith("maildir:"):
        return MaildirTransport(Path(url.removeprefix("maildir:")))
    return SmtpTransport(url)
