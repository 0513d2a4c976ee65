"""A reader of messages to a return path: bounces (RFC 3464), complaints (RFC 5965), automatic replies (RFC 3834).

The signed return path to which a message was sent identifies the mail that it is about. The path is read only from
headers that the receiving mail server writes or that name the recipient. A bounce also quotes whole messages, which
anyone can write.
"""

from __future__ import annotations

import binascii
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, message_from_string
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses, parseaddr

from flufl.bounce import all_failures

from campaign.domain.delivery.bounce import ORDER, BounceVerdict, read_status, verdict_on_failure
from campaign.domain.delivery.return_path import PREFIX, ReturnPath, ReturnPaths
from campaign.domain.errors import TokenError

log = logging.getLogger(__name__)

_RECIPIENT_HEADERS = ("Delivered-To", "X-Original-To", "X-Envelope-To", "Envelope-To", "X-Delivered-To", "To")
_DAEMON_LOCAL_PART = re.compile(
    r"(?:mailer[-_.]?daemon|mail[-_.]?daemon|postmaster|mailerdaemon|mail[-_.]?delivery\S*|bounces?)", re.IGNORECASE
)
_AUTOMATIC_HEADERS = ("X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Response", "X-Mail-Autoreply")
_AUTOMATIC_SUBJECT = re.compile(
    r"\s*(?:auto(?:matic|mated|matische)?[ -]?(?:reply|response|antwort)|out of (?:the )?office|réponse automatique|"
    r"abwesenheit|abwesend|absence|respuesta automática|ответ|автоответ|رد تلقائي)",
    re.IGNORECASE,
)
_BEFORE_QUOTE = re.compile(
    r"^(?:-{2,}.{0,40}(?:original|copy of (?:the|your) message|below this line|returned message|message header).*|"
    r"(?:Return-Path|Received|X-Apparently-To): .*)$",
    re.IGNORECASE | re.MULTILINE,
)
_WARNING = re.compile(r"\bwarning\b|\bdelayed\b|still being retried|will (?:continue|be retried)", re.IGNORECASE)
_MAX_TEXT_BYTES = 20_000


@dataclass(frozen=True, slots=True)
class BounceReport:
    """A report: the return path of its mail, its verdict, and the status code where it gives one."""

    path: ReturnPath
    verdict: BounceVerdict
    status: str | None

    @property
    def mail_id(self) -> int:
        """Return the id that the mail had when it was sent. Another mail may have that id today."""
        return self.path.mail_id


class UnaddressedBounceError(TokenError):
    """A message that was sent to no return path."""


class ForgedBounceError(TokenError):
    """A message to an address that looks like a return path, with a signature that is not valid."""


def read_report(content: bytes, paths: ReturnPaths, recipient: str | None = None) -> BounceReport:
    """Return the report in the message. `recipient` is the envelope recipient, where the mail server passes it on.

    Raises UnaddressedBounceError, ForgedBounceError.
    """
    message = message_from_bytes(content)
    path = _find_return_path(message, paths, recipient)
    try:
        verdict, status = _verdict(message)
    except Exception:  # parsers raise all kinds of errors over malformed input
        log.exception("a bounce of mail %s could not be read", path.mail_id)
        verdict, status = BounceVerdict.UNKNOWN, None
    return BounceReport(path, verdict, status)


def _find_return_path(message: Message, paths: ReturnPaths, recipient: str | None) -> ReturnPath:
    """Return the return path to which the message was sent. Raises ForgedBounceError, UnaddressedBounceError."""
    values = [recipient or ""]
    for name in _RECIPIENT_HEADERS:
        values += [str(value) for value in message.get_all(name, [])]
    has_prefix = False
    for value in values:
        for _, address in getaddresses([value.replace("\r", " ").replace("\n", " ")]):
            try:
                return paths.read(address)
            except TokenError:
                has_prefix |= address.lower().startswith(f"{PREFIX}+")
    if has_prefix:
        raise ForgedBounceError("the return path is forged or damaged")
    raise UnaddressedBounceError("it was not sent to a return path")


def _verdict(message: Message) -> tuple[BounceVerdict, str | None]:
    """Return the verdict and the status code, from the report's fields if there are any, else from its text."""
    kind = str(message.get_param("report-type") or "").lower()
    if kind == "feedback-report" or any(
        part.get_content_type() == "message/feedback-report" for part in _own_parts(message)
    ):
        return BounceVerdict.COMPLAINT, None
    if kind == "disposition-notification":
        return BounceVerdict.AUTOMATIC, None
    reports = list(_recipient_fields(message))
    if reports:
        return _worst_verdict(reports, _text(message))
    if _is_automatic(message):
        return BounceVerdict.AUTOMATIC, None
    return _verdict_of_text(message)


def _own_parts(message: Message) -> Iterator[Message]:
    """Yield the parts of the message itself, without those of messages that it quotes."""
    yield message
    if message.get_content_maintype() == "multipart" and message.is_multipart():
        for part in message.get_payload():
            if isinstance(part, Message):
                yield from _own_parts(part)


def _recipient_fields(message: Message) -> Iterator[Message]:
    """Yield the fields of a delivery report (RFC 3464) for each recipient."""
    for part in _own_parts(message):
        if part.get_content_type() in {"message/delivery-status", "message/global-delivery-status"}:
            text = _report_text(part).replace("\r\n", "\n")
            for block in re.split(r"\n[ \t]*\n", text.strip()):
                fields = message_from_string(block.strip() + "\n\n")
                if fields.get("Action") or fields.get("Status") or fields.get("Final-Recipient"):
                    yield fields


def _report_text(part: Message) -> str:
    """Return the text of a delivery report as it was sent, decoded: the parser reads its fields as messages."""
    payload = part.get_payload()
    if not isinstance(payload, list):
        return _decoded(part)
    blocks = [block for block in payload if isinstance(block, Message)]
    fields = ["\n".join(f"{name}: {value}" for name, value in block.raw_items()) for block in blocks]
    fields += [str(block.get_payload()) for block in blocks if not block.is_multipart()]
    encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    text = "\n\n".join(fields).encode("utf-8", "surrogateescape")
    if encoding == "base64":
        text = binascii.a2b_base64(text)
    elif encoding == "quoted-printable":
        text = binascii.a2b_qp(text)
    return text.decode("utf-8", "replace")


def _worst_verdict(reports: list[Message], text: str) -> tuple[BounceVerdict, str | None]:
    """Return the worst verdict on any recipient; the first one where all are harmless."""
    verdicts = [_verdict_of_fields(fields, text) for fields in reports]
    for worst in ORDER:
        for verdict, status in verdicts:
            if verdict is worst:
                return verdict, status
    return verdicts[0]


def _verdict_of_fields(fields: Message, text: str) -> tuple[BounceVerdict, str | None]:
    """Return the verdict on one recipient. The status code of the diagnosis is used where it is more specific."""
    action = str(fields.get("Action", "")).strip().lower().partition(" ")[0]
    diagnostic = " ".join(str(fields.get("Diagnostic-Code", "")).split())
    status, diagnostic_status = read_status(str(fields.get("Status", ""))), read_status(diagnostic)
    if status is None or (status.endswith(".0.0") and diagnostic_status is not None):
        status = diagnostic_status or status
    if action in {"delivered", "relayed", "expanded"}:
        return BounceVerdict.AUTOMATIC, status
    if action == "delayed" or (not action and status is not None and status[0] == "4"):
        return BounceVerdict.DELAYED, status
    return verdict_on_failure(status, diagnostic or text), status


def _is_automatic(message: Message) -> bool:
    """Return whether the message is an automatic reply (RFC 3834), and not from a mail server."""
    if message.get("X-Failed-Recipients") or _is_daemon(message):
        return False
    submitted = str(message.get("Auto-Submitted", "no")).strip().lower().partition(";")[0]
    precedence = str(message.get("Precedence", "")).strip().lower()
    return (
        submitted != "no"
        or precedence in {"auto_reply", "auto-reply"}
        or any(message.get(name) for name in _AUTOMATIC_HEADERS)
        or bool(_AUTOMATIC_SUBJECT.match(_subject(message)))
    )


def _is_daemon(message: Message) -> bool:
    return bool(_DAEMON_LOCAL_PART.match(parseaddr(str(message.get("From", "")))[1].partition("@")[0]))


def _verdict_of_text(message: Message) -> tuple[BounceVerdict, str | None]:
    """Return the verdict on a text without report fields, as qmail, Exim and older servers write it (flufl.bounce)."""
    temporary, permanent = all_failures(message)
    text = _text(message)
    status = read_status(text)
    if not (temporary or permanent or message.get("X-Failed-Recipients") or _is_daemon(message)):
        return BounceVerdict.UNKNOWN, None
    is_warning = _WARNING.search(_beginning(message, text))
    if (temporary and not permanent) or is_warning:
        return BounceVerdict.DELAYED, status
    verdict = verdict_on_failure(status, text)
    if verdict is BounceVerdict.REFUSED and status is None and not permanent and not message.get("X-Failed-Recipients"):
        return BounceVerdict.UNKNOWN, None
    return verdict, status


def _beginning(message: Message, text: str) -> str:
    return f"{_subject(message)}\n{text[:600]}"


def _subject(message: Message) -> str:
    return str(make_header(decode_header(str(message.get("Subject", "")))))


def _text(message: Message) -> str:
    """Return the text of the message, up to the message that it quotes."""
    for part in _own_parts(message):
        if part.get_content_type() == "text/plain" and not part.is_multipart():
            return _BEFORE_QUOTE.split(_decoded(part).replace("\r\n", "\n"), maxsplit=1)[0]
    for part in _own_parts(message):
        if part.get_content_type() == "text/html" and not part.is_multipart():
            return re.sub(r"<[^>]{0,500}>", " ", _decoded(part))
    return ""


def _decoded(part: Message) -> str:
    """Return the start of a part as text; an unknown charset counts as UTF-8."""
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    charset = part.get_content_charset() or "utf-8"
    try:
        return payload[:_MAX_TEXT_BYTES].decode(charset, "replace")
    except LookupError:
        return payload[:_MAX_TEXT_BYTES].decode("utf-8", "replace")
