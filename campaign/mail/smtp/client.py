"""An SMTP client that sends many messages over one connection and reports each outcome by phase and reply code.

Flask-Mail's own connection has no time-outs, and its exceptions do not distinguish a refused recipient from a lost
connection.
"""

from __future__ import annotations

import smtplib
import ssl
from functools import cache

from flask import Flask

from campaign.domain.delivery.smtp_reply import BEFORE_MAIL, attempt_from_reply
from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome
from campaign.mail.smtp.connection import MailConnection
from campaign.mail.smtp.smtp_protocol import COMMAND_SECONDS, CONNECT_SECONDS, FINAL_DOT_SECONDS, SmtpProtocol

# The stored detail where the server lacks SMTPUTF8 (RFC 6531): an address with non-ASCII letters before the @ needs it.
SMTPUTF8_MISSING = "the server cannot carry this address (no SMTPUTF8)"
# ValueError: smtplib raises it for a password that is not ASCII, ssl for a connection that `abort` has shut down.
_CONNECTION_ERRORS = (OSError, smtplib.SMTPException, ValueError)


class SmtpConnection(MailConnection):
    """An SMTP connection that is opened at the first message, and reopened after it is lost."""

    host: SmtpProtocol | None  # the open connection; the name is Flask-Mail's
    _phase: str  # the phase that an error is reported with; set before each step

    def __init__(self, app: Flask, tls_context: ssl.SSLContext | None = None) -> None:
        """Create the connection without opening it.

        `tls_context` verifies the server's certificate; the default trusts the CA certificates of the system.
        """
        super().__init__(app)
        self._given_tls_context = tls_context

    def deliver(self, sender: str, recipient: str, content: bytes) -> DeliveryAttempt:
        """Send the content and return the outcome.

        If the connection is lost before the final dot, the message was not sent, and the outcome is UNREACHABLE before
        the MAIL command, RETRY after it. If it is lost later, the outcome is AMBIGUOUS.
        """
        if not _is_safe_in_command(sender) or not _is_safe_in_command(recipient):
            return DeliveryAttempt(
                DeliveryOutcome.DEAD, "before", detail="an address that is not valid in an SMTP command"
            )
        is_reused = self.host is not None
        attempt = self._attempt_delivery(sender, recipient, content)
        if is_reused and self.host is None and attempt.phase == "mail" and attempt.code in {None, 421}:
            # A server may close an idle or long-lived connection. That says nothing about this mail, so try once more.
            attempt = self._attempt_delivery(sender, recipient, content)
        return attempt

    def configure_host(self) -> SmtpProtocol:
        """Return a new connection, encrypted and authenticated as configured. Raises OSError, SMTPException."""
        self._phase = "connect"
        host = SmtpProtocol(CONNECT_SECONDS)
        # Set before the connection opens, so that `abort` can shut it down while the server does not answer.
        self.host = host
        host.open(self.mail.server, self.mail.port or 0, self._tls_context() if self.mail.use_ssl else None)
        self._phase = "ehlo"
        host.reply_timeout = COMMAND_SECONDS
        host.ehlo_or_helo_if_needed()
        if self.mail.use_tls:
            self._phase = "tls"
            host.start_tls(self._tls_context())
            self._phase = "ehlo"
            host.ehlo()
        if self.mail.username is not None:
            self._phase = "auth"
            host.login(self.mail.username, self.mail.password or "")
        return host

    def close(self) -> None:
        """Send QUIT and close the connection."""
        host, self.host = self.host, None
        if host is not None:
            try:
                host.quit()
            except (OSError, smtplib.SMTPException):
                host.close()

    def abort(self) -> None:
        """Shut down the connection, so that another thread that is sending over it stops waiting."""
        host = self.host
        if host is not None:
            host.shut_down()

    def _attempt_delivery(self, sender: str, recipient: str, content: bytes) -> DeliveryAttempt:
        """Send the content once, over a new connection if none is open. Errors are returned as outcomes, not raised."""
        try:
            host = self.host
            if host is None:
                host = self.configure_host()
            self._phase = "mail"
            if not recipient.isascii() and not host.has_extn("smtputf8"):
                return DeliveryAttempt(DeliveryOutcome.DEAD, "mail", detail=SMTPUTF8_MISSING)
            return self._send_message(host, sender, recipient, content)
        except smtplib.SMTPResponseException as error:
            self._disconnect()
            reply_text = error.smtp_error
            return attempt_from_reply(
                self._phase,
                error.smtp_code,
                reply_text if isinstance(reply_text, str) else reply_text.decode("utf-8", "replace"),
            )
        except ssl.SSLCertVerificationError as error:
            self._disconnect()
            return DeliveryAttempt(
                DeliveryOutcome.SENDER_REFUSED, "tls", detail=f"the server's certificate: {error.verify_message}"
            )
        except smtplib.SMTPNotSupportedError as error:
            self._disconnect()
            return DeliveryAttempt(DeliveryOutcome.SENDER_REFUSED, self._phase, detail=str(error)[:200])
        except _CONNECTION_ERRORS as error:
            self._disconnect()
            return DeliveryAttempt(
                DeliveryOutcome.UNREACHABLE if self._phase in BEFORE_MAIL else DeliveryOutcome.RETRY,
                self._phase,
                detail=type(error).__name__,
            )

    def _send_message(self, host: SmtpProtocol, sender: str, recipient: str, content: bytes) -> DeliveryAttempt:
        """Send the envelope and the content. With pipelining, all commands are sent before the first reply is read."""
        options = "" if recipient.isascii() else " SMTPUTF8"
        commands = (("mail", f"MAIL FROM:<{sender}>{options}"), ("rcpt", f"RCPT TO:<{recipient}>"), ("data", "DATA"))
        refusal: DeliveryAttempt | None = None
        code = 0
        if host.has_extn("pipelining"):
            host.send_commands(*(command for _, command in commands))
        for phase, command in commands:
            self._phase = phase
            if not host.has_extn("pipelining"):
                if refusal is not None:
                    break
                host.send_commands(command)
            code, reply_text = host.getreply()
            if refusal is None and not (code == 354 if phase == "data" else 200 <= code < 300):
                refusal = attempt_from_reply(phase, code, reply_text.decode("utf-8", "replace"))
        if refusal is None:
            return self._send_content(host, content)
        if code == 354:
            # The server accepted DATA although it refused an earlier command: send an empty message (RFC 2920, 3.1).
            host.send_commands(".")
            host.getreply()
        self._reset(host, refusal)
        return refusal

    def _send_content(self, host: SmtpProtocol, content: bytes) -> DeliveryAttempt:
        """Send the content and the final dot. If the connection is lost after the dot, the outcome is AMBIGUOUS."""
        self._phase = "content"
        host.write(_dot_stuffed(content))
        self._phase = "dot"
        try:
            host.reply_timeout = FINAL_DOT_SECONDS
            host.write(b".\r\n")
            code, reply_text = host.getreply()
        except _CONNECTION_ERRORS as error:
            self._disconnect()
            return DeliveryAttempt(DeliveryOutcome.AMBIGUOUS, "dot", detail=type(error).__name__)
        finally:
            host.reply_timeout = COMMAND_SECONDS
        if 200 <= code < 300:
            return DeliveryAttempt(DeliveryOutcome.SENT, "dot", code)
        refusal = attempt_from_reply("dot", code, reply_text.decode("utf-8", "replace"))
        self._reset(host, refusal)
        return refusal

    def _tls_context(self) -> ssl.SSLContext:
        return self._given_tls_context or _system_tls_context()

    def _reset(self, host: SmtpProtocol, refusal: DeliveryAttempt) -> None:
        """Reset the connection for the next message (RSET).

        Close it if the server is closing (421), reports a bad sequence of commands (503) or does not accept RSET.
        """
        if refusal.code in {421, 503}:
            self._disconnect()
            return
        try:
            if host.rset()[0] != 250:
                self._disconnect()
        except _CONNECTION_ERRORS:
            self._disconnect()

    def _disconnect(self) -> None:
        host, self.host = self.host, None
        if host is not None:
            host.close()


@cache
def _system_tls_context() -> ssl.SSLContext:
    """Return a TLS context with the CA certificates of the system.

    It is cached, because loading the certificates takes longer than sending a dozen mails.
    """
    return ssl.create_default_context()


def _is_safe_in_command(address: str) -> bool:
    """Return whether the address has 1 to 320 bytes, and no character that could end its SMTP command.

    Such characters are line breaks, which isprintable() refuses like all control characters, and angle brackets.
    Addresses are validated before they are stored; this check does not rely on that.
    """
    return address.isprintable() and not set("<>") & set(address) and 0 < len(address.encode()) <= 320


def _dot_stuffed(content: bytes) -> bytes:
    """Return the content with CRLF after each line and with leading dots doubled (RFC 5321, 4.5.2)."""
    content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    content = content.replace(b"\r\n.", b"\r\n..")
    if content.startswith(b"."):
        content = b"." + content
    return content if content.endswith(b"\r\n") else content + b"\r\n"
