"""Our SMTP client: one connection for as many messages as it lasts, and what became of each by phase and code.

Flask-Mail's own connection has no time-outs and tells a refused recipient from a broken line only by guessing, so the
connection is ours; the message is Flask-Mail's.
"""

from __future__ import annotations

import smtplib
import ssl
from functools import cache
from urllib.parse import unquote, urlsplit

from campaign.domain.delivery.smtp_reply import judge
from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome
from campaign.mail.smtp.smtp_protocol import COMMAND_SECONDS, CONNECT_SECONDS, FINAL_DOT_SECONDS, SmtpProtocol

_PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}


# What a mail ends with whose address has letters beyond ASCII before the @, at a server without SMTPUTF8 (RFC 6531).
NOT_CARRIED = "the server cannot carry this address (no SMTPUTF8)"


class SmtpTransport:
    """Opens its connection at the first message, and again after it broke."""

    def __init__(self, url: str, context: ssl.SSLContext | None = None) -> None:
        """`context` says which certificates are believed; those of the system where it is not given."""
        parts = urlsplit(url)
        self._scheme = parts.scheme
        self._host = parts.hostname or ""
        self._port = parts.port or _PORTS[parts.scheme]
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password or "")
        self._context = context
        self._dialogue: SmtpProtocol | None = None
        self._phase = "connect"

    def send(self, sender: str, recipient: str, message: bytes) -> DeliveryAttempt:
        """The outcome by phase and code: a break before the final dot is tried again, one behind it is in doubt."""
        if not _fits_a_command(sender) or not _fits_a_command(recipient):
            return DeliveryAttempt(DeliveryOutcome.DEAD, "before", detail="an address that would break the dialogue")
        reused = self._dialogue is not None
        attempt = self._attempt(sender, recipient, message)
        if reused and attempt.phase == "mail" and attempt.code in {None, 421}:
            # Servers hang up on idle or long-lived connections: that says nothing of this mail.
            attempt = self._attempt(sender, recipient, message)
        return attempt

    def close(self) -> None:
        """Says goodbye."""
        dialogue, self._dialogue = self._dialogue, None
        if dialogue is not None:
            try:
                dialogue.quit()
            except (OSError, smtplib.SMTPException):
                dialogue.close()

    def abort(self) -> None:
        """Shuts the line under a message that is being sent in another thread."""
        dialogue = self._dialogue
        if dialogue is not None:
            dialogue.cut()

    def _attempt(self, sender: str, recipient: str, message: bytes) -> DeliveryAttempt:
        try:
            dialogue = self._connected()
            self._phase = "mail"
            if not recipient.isascii() and not dialogue.has_extn("smtputf8"):
                return DeliveryAttempt(DeliveryOutcome.DEAD, "mail", detail=NOT_CARRIED)
            return self._hand_over(dialogue, sender, recipient, message)
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

    def _hand_over(self, dialogue: SmtpProtocol, sender: str, recipient: str, message: bytes) -> DeliveryAttempt:
        options = "" if recipient.isascii() else " SMTPUTF8"
        commands = (("mail", f"MAIL FROM:<{sender}>{options}"), ("rcpt", f"RCPT TO:<{recipient}>"), ("data", "DATA"))
        refused: DeliveryAttempt | None = None
        code = 0
        if dialogue.has_extn("pipelining"):
            dialogue.say(*(command for _, command in commands))
        for phase, command in commands:
            self._phase = phase
            if not dialogue.has_extn("pipelining"):
                if refused is not None:
                    break
                dialogue.say(command)
            code, words = dialogue.getreply()
            if refused is None and not (code == 354 if phase == "data" else 200 <= code < 300):
                refused = judge(phase, code, words.decode("utf-8", "replace"))
        if refused is None:
            return self._content(dialogue, message)
        if code == 354:
            # The server wants content for nobody (RFC 2920, 3.1).
            dialogue.say(".")
            dialogue.getreply()
        self._after_refusal(dialogue, refused)
        return refused

    def _content(self, dialogue: SmtpProtocol, message: bytes) -> DeliveryAttempt:
        """The message and the final dot: from the dot on, a break leaves the outcome unknown."""
        self._phase = "content"
        dialogue.patience = COMMAND_SECONDS
        dialogue.write(_quoted(message))
        self._phase = "dot"
        try:
            dialogue.patience = FINAL_DOT_SECONDS
            dialogue.write(b".\r\n")
            code, words = dialogue.getreply()
        except (OSError, smtplib.SMTPException, ValueError) as error:
            self._break_off()
            return DeliveryAttempt(DeliveryOutcome.AMBIGUOUS, "dot", detail=type(error).__name__)
        finally:
            dialogue.patience = COMMAND_SECONDS
        if 200 <= code < 300:
            return DeliveryAttempt(DeliveryOutcome.SENT, "dot", code)
        refused = judge("dot", code, words.decode("utf-8", "replace"))
        self._after_refusal(dialogue, refused)
        return refused

    def _connected(self) -> SmtpProtocol:
        if self._dialogue is not None:
            return self._dialogue
        self._phase = "connect"
        dialogue = SmtpProtocol(CONNECT_SECONDS)
        # Known from here on, so that abort() finds it while the server is still silent.
        self._dialogue = dialogue
        dialogue.open(self._host, self._port, self._context or _trusted() if self._scheme == "smtps" else None)
        self._phase = "ehlo"
        dialogue.patience = COMMAND_SECONDS
        dialogue.ehlo_or_helo_if_needed()
        if self._scheme == "smtp+starttls":
            self._phase = "tls"
            dialogue.secure(self._context or _trusted())
            self._phase = "ehlo"
            dialogue.ehlo()
        if self._user is not None:
            self._phase = "auth"
            dialogue.login(self._user, self._password)
        return dialogue

    def _after_refusal(self, dialogue: SmtpProtocol, refused: DeliveryAttempt) -> None:
        """Back to the start of a message; a server that is closing, or out of step, gets a fresh connection."""
        if refused.code in {421, 503}:
            self._break_off()
            return
        try:
            if dialogue.rset()[0] != 250:
                self._break_off()
        except (OSError, smtplib.SMTPException, ValueError):
            self._break_off()

    def _break_off(self) -> None:
        dialogue, self._dialogue = self._dialogue, None
        if dialogue is not None:
            dialogue.close()


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates that the system believes, read once: that takes longer than to send a dozen mails."""
    return ssl.create_default_context()


def _fits_a_command(address: str) -> bool:
    """Nothing in it can end the command or begin another; the addresses were checked long before."""
    return address.isprintable() and not set("<>\r\n") & set(address) and 0 < len(address.encode()) <= 320


def _quoted(message: bytes) -> bytes:
    """The content as it goes over the line: CRLF, leading dots doubled (RFC 5321, 4.5.2), ending with CRLF."""
    content = message.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    content = content.replace(b"\r\n.", b"\r\n..")
    if content.startswith(b"."):
        content = b"." + content
    return content if content.endswith(b"\r\n") else content + b"\r\n"
