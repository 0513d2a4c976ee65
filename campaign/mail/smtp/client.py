"""The SMTP client: one line to the server for as many messages as it lasts, and the outcome by phase and code.

Flask-Mail's own connection has no time-outs, and its exceptions do not tell a refused recipient from a broken line.
"""

from __future__ import annotations

import smtplib
import ssl
from functools import cache

from flask import Flask

from campaign.domain.delivery.smtp_reply import judge
from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome
from campaign.mail.smtp.connection import MailConnection
from campaign.mail.smtp.smtp_protocol import COMMAND_SECONDS, CONNECT_SECONDS, FINAL_DOT_SECONDS, SmtpProtocol

# The outcome for an address with letters beyond ASCII before the @, at a server without SMTPUTF8 (RFC 6531).
NOT_CARRIED = "the server cannot carry this address (no SMTPUTF8)"


class SmtpConnection(MailConnection):
    """A connection by SMTP; its line is opened at the first message, and again after it broke."""

    host: SmtpProtocol | None

    def __init__(self, app: Flask, trusted: ssl.SSLContext | None = None) -> None:
        """Open nothing yet.

        `trusted` says which certificates are believed; without it those of the system are.
        """
        super().__init__(app)
        self._trusted = trusted
        self._phase = "connect"

    def deliver(self, sender: str, recipient: str, content: bytes) -> DeliveryAttempt:
        """Return the outcome of handing the content over.

        A break before the final dot is tried again; after one behind it the outcome is in doubt.
        """
        if not _fits_a_command(sender) or not _fits_a_command(recipient):
            return DeliveryAttempt(DeliveryOutcome.DEAD, "before", detail="an address that would break the dialogue")
        is_reused = self.host is not None
        attempt = self._try(sender, recipient, content)
        if is_reused and attempt.phase == "mail" and attempt.code in {None, 421}:
            # Servers hang up on idle or long-lived connections: that says nothing about this mail.
            attempt = self._try(sender, recipient, content)
        return attempt

    def configure_host(self) -> SmtpProtocol:
        """Return a new line to the server, encrypted and logged in by the settings. Raises OSError, SMTPException."""
        self._phase = "connect"
        host = SmtpProtocol(CONNECT_SECONDS)
        # Known from here on, so that abort() finds it while the server is still silent.
        self.host = host
        host.open(self.mail.server, self.mail.port or 0, self._context() if self.mail.use_ssl else None)
        self._phase = "ehlo"
        host.patience = COMMAND_SECONDS
        host.ehlo_or_helo_if_needed()
        if self.mail.use_tls:
            self._phase = "tls"
            host.secure(self._context())
            self._phase = "ehlo"
            host.ehlo()
        if self.mail.username is not None:
            self._phase = "auth"
            host.login(self.mail.username, self.mail.password or "")
        return host

    def close(self) -> None:
        """Say QUIT, and close the line."""
        host, self.host = self.host, None
        if host is not None:
            try:
                host.quit()
            except (OSError, smtplib.SMTPException):
                host.close()

    def abort(self) -> None:
        """Shut the line under a message that is being sent in another thread."""
        host = self.host
        if host is not None:
            host.cut()

    def _try(self, sender: str, recipient: str, content: bytes) -> DeliveryAttempt:
        try:
            host = self.host
            if host is None:
                host = self.configure_host()
            self._phase = "mail"
            if not recipient.isascii() and not host.has_extn("smtputf8"):
                return DeliveryAttempt(DeliveryOutcome.DEAD, "mail", detail=NOT_CARRIED)
            return self._hand_over(host, sender, recipient, content)
        except smtplib.SMTPResponseException as error:
            self._break_off()
            words = error.smtp_error
            return judge(
                self._phase, error.smtp_code, words if isinstance(words, str) else words.decode("utf-8", "replace")
            )
        except ssl.SSLCertVerificationError as error:
            self._break_off()
            return DeliveryAttempt(
                DeliveryOutcome.HELD, "tls", detail=f"the server's certificate: {error.verify_message}"
            )
        except smtplib.SMTPNotSupportedError as error:
            self._break_off()
            return DeliveryAttempt(DeliveryOutcome.HELD, self._phase, detail=str(error)[:200])
        except (OSError, smtplib.SMTPException, ValueError) as error:
            self._break_off()
            before = self._phase in {"connect", "ehlo", "tls", "auth"}
            return DeliveryAttempt(
                DeliveryOutcome.AWAY if before else DeliveryOutcome.RETRY, self._phase, detail=type(error).__name__
            )

    def _hand_over(self, host: SmtpProtocol, sender: str, recipient: str, content: bytes) -> DeliveryAttempt:
        options = "" if recipient.isascii() else " SMTPUTF8"
        commands = (("mail", f"MAIL FROM:<{sender}>{options}"), ("rcpt", f"RCPT TO:<{recipient}>"), ("data", "DATA"))
        refused: DeliveryAttempt | None = None
        code = 0
        if host.has_extn("pipelining"):
            host.say(*(command for _, command in commands))
        for phase, command in commands:
            self._phase = phase
            if not host.has_extn("pipelining"):
                if refused is not None:
                    break
                host.say(command)
            code, words = host.getreply()
            if refused is None and not (code == 354 if phase == "data" else 200 <= code < 300):
                refused = judge(phase, code, words.decode("utf-8", "replace"))
        if refused is None:
            return self._content(host, content)
        if code == 354:
            # The server asks for content although it refused the recipient (RFC 2920, 3.1).
            host.say(".")
            host.getreply()
        self._after_refusal(host, refused)
        return refused

    def _content(self, host: SmtpProtocol, content: bytes) -> DeliveryAttempt:
        """Send the message and the final dot: from the dot on, a break leaves the outcome unknown."""
        self._phase = "content"
        host.patience = COMMAND_SECONDS
        host.write(_quoted(content))
        self._phase = "dot"
        try:
            host.patience = FINAL_DOT_SECONDS
            host.write(b".\r\n")
            code, words = host.getreply()
        except (OSError, smtplib.SMTPException, ValueError) as error:
            self._break_off()
            return DeliveryAttempt(DeliveryOutcome.AMBIGUOUS, "dot", detail=type(error).__name__)
        finally:
            host.patience = COMMAND_SECONDS
        if 200 <= code < 300:
            return DeliveryAttempt(DeliveryOutcome.SENT, "dot", code)
        refused = judge("dot", code, words.decode("utf-8", "replace"))
        self._after_refusal(host, refused)
        return refused

    def _context(self) -> ssl.SSLContext:
        return self._trusted or _system_trust()

    def _after_refusal(self, host: SmtpProtocol, refused: DeliveryAttempt) -> None:
        """Return to the start of a message.

        A server that is closing, or out of step, gets a new connection.
        """
        if refused.code in {421, 503}:
            self._break_off()
            return
        try:
            if host.rset()[0] != 250:
                self._break_off()
        except (OSError, smtplib.SMTPException, ValueError):
            self._break_off()

    def _break_off(self) -> None:
        host, self.host = self.host, None
        if host is not None:
            host.close()


@cache
def _system_trust() -> ssl.SSLContext:
    """Return the certificates that the system believes; reading them takes longer than to send a dozen mails."""
    return ssl.create_default_context()


def _fits_a_command(address: str) -> bool:
    """Return whether the address can neither end the command nor begin another; it was checked long before, too."""
    return address.isprintable() and not set("<>\r\n") & set(address) and 0 < len(address.encode()) <= 320


def _quoted(content: bytes) -> bytes:
    """Return the content as it is sent: CRLF, leading dots doubled (RFC 5321, 4.5.2), ending with CRLF."""
    content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    content = content.replace(b"\r\n.", b"\r\n..")
    if content.startswith(b"."):
        content = b"." + content
    return content if content.endswith(b"\r\n") else content + b"\r\n"
