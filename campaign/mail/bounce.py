"""A reader of what comes back: delivery reports (RFC 3464), complaints (RFC 5965), automatic answers (RFC 3834).

The signed return path to which a report was sent says which mail it is about. The path counts only in the headers that
the own mail server writes, or that name the recipient of the report: a report quotes whole messages, and those prove
nothing.
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

from campaign.domain.delivery.bounce import ORDER, BounceVerdict, judge_failure, read_status
from campaign.domain.delivery.return_path import PREFIX, ReturnPath, ReturnPaths
from campaign.domain.errors import TokenError

log = logging.getLogger(__name__)

_ADDRESSED = ("Delivered-To", "X-Original-To", "X-Envelope-To", "Envelope-To", "X-Delivered-To", "To")
_DAEMON = re.compile(
    r"(?:mailer[-_.]?daemon|mail[-_.]?daemon|postmaster|mailerdaemon|mail[-_.]?delivery\S*|bounces?)", re.IGNORECASE
)
_AUTOMATIC = ("X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Response", "X-Mail-Autoreply")
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
_MOST_TEXT = 20_000


@dataclass(frozen=True, slots=True)
class BounceReport:
    """A report: the return path of its mail, its verdict, and the status code where it gives one."""

    path: ReturnPath
    verdict: BounceVerdict
    status: str | None

    @property
    def mail_id(self) -> int:
        """Return the id that the mail had when it left; another mail may have it by now."""
        return self.path.mail_id


class UnaddressedBounceError(TokenError):
    """A message that was sent to no return path."""


class ForgedBounceError(TokenError):
    """A message that was sent to something like a return path that this application has not made."""


def read_report(content: bytes, paths: ReturnPaths, recipient: str | None = None) -> BounceReport:
    """Return what the message means. `recipient` is the one that the mail server names, where that is known.

    Raises UnaddressedBounceError, ForgedBounceError.
    """
    message = message_from_bytes(content)
    path = _addressed(message, paths, recipient)
    try:
        verdict, status = _judge(message)
    except Exception:  # parsers raise all kinds of errors over malformed input
        log.exception("a report about mail %s could not be read", path.mail_id)
        verdict, status = BounceVerdict.UNKNOWN, None
    return BounceReport(path, verdict, status)


def _addressed(message: Message, paths: ReturnPaths, recipient: str | None) -> ReturnPath:
    values = [recipient or ""]
    for name in _ADDRESSED:
        values += [str(value) for value in message.get_all(name, [])]
    is_alike = False
    for value in values:
        for _, address in getaddresses([value.replace("\r", " ").replace("\n", " ")]):
            try:
                return paths.read(address)
            except TokenError:
                is_alike |= address.lower().startswith(f"{PREFIX}+")
    if is_alike:
        raise ForgedBounceError("the return path is forged or damaged")
    raise UnaddressedBounceError("it was not sent to a return path")


def _judge(message: Message) -> tuple[BounceVerdict, str | None]:
    kind = str(message.get_param("report-type") or "").lower()
    if kind == "feedback-report" or any(part.get_content_type() == "message/feedback-report" for part in _own(message)):
        return BounceVerdict.COMPLAINT, None
    if kind == "disposition-notification":
        return BounceVerdict.AUTOMATIC, None
    blocks = list(_blocks(message))
    if blocks:
        return _judge_blocks(blocks, _words(message))
    if _is_automatic(message):
        return BounceVerdict.AUTOMATIC, None
    return _judge_words(message)


def _own(message: Message) -> Iterator[Message]:
    """Yield the parts of the message itself, without those of messages that it quotes."""
    yield message
    if message.get_content_maintype() == "multipart" and message.is_multipart():
        for part in message.get_payload():
            if isinstance(part, Message):
                yield from _own(part)


def _blocks(message: Message) -> Iterator[Message]:
    """Yield the fields of the report, for each recipient."""
    for part in _own(message):
        if part.get_content_type() in {"message/delivery-status", "message/global-delivery-status"}:
            said = _report_text(part)
            for block in re.split(r"\n[ \t]*\n", said.replace("\r\n", "\n").strip()):
                fields = message_from_string(block.strip() + "\n\n")
                if fields.get("Action") or fields.get("Status") or fields.get("Final-Recipient"):
                    yield fields


def _report_text(part: Message) -> str:
    """Return the fields of a report as they came: the parser takes them for messages, encoded or not."""
    payload = part.get_payload()
    if not isinstance(payload, list):
        return _decoded(part)
    blocks = [one for one in payload if isinstance(one, Message)]
    fields = ["\n".join(f"{name}: {value}" for name, value in one.raw_items()) for one in blocks]
    fields += [str(one.get_payload()) for one in blocks if not one.is_multipart()]
    encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    text = "\n\n".join(fields).encode("utf-8", "surrogateescape")
    if encoding == "base64":
        text = binascii.a2b_base64(text)
    elif encoding == "quoted-printable":
        text = binascii.a2b_qp(text)
    return text.decode("utf-8", "replace")


def _judge_blocks(blocks: list[Message], words: str) -> tuple[BounceVerdict, str | None]:
    found = [_judge_block(block, words) for block in blocks]
    for verdict in ORDER:
        for one in found:
            if one[0] is verdict:
                return one
    return found[0]


def _judge_block(block: Message, words: str) -> tuple[BounceVerdict, str | None]:
    action = str(block.get("Action", "")).strip().lower().partition(" ")[0]
    diagnostic = " ".join(str(block.get("Diagnostic-Code", "")).split())
    said, more = read_status(str(block.get("Status", ""))), read_status(diagnostic)
    status = said
    if said is None or (said.endswith(".0.0") and more is not None):
        status = more or said
    if action in {"delivered", "relayed", "expanded"}:
        return BounceVerdict.AUTOMATIC, status
    if action == "delayed" or (not action and status is not None and status[0] == "4"):
        return BounceVerdict.DELAYED, status
    return judge_failure(status, diagnostic or words), status


def _is_automatic(message: Message) -> bool:
    if message.get("X-Failed-Recipients") or _is_daemon(message):
        return False
    submitted = str(message.get("Auto-Submitted", "no")).strip().lower().partition(";")[0]
    precedence = str(message.get("Precedence", "")).strip().lower()
    return (
        submitted != "no"
        or precedence in {"auto_reply", "auto-reply"}
        or any(message.get(name) for name in _AUTOMATIC)
        or bool(_AUTOMATIC_SUBJECT.match(_subject(message)))
    )


def _is_daemon(message: Message) -> bool:
    return bool(_DAEMON.match(parseaddr(str(message.get("From", "")))[1].partition("@")[0]))


def _judge_words(message: Message) -> tuple[BounceVerdict, str | None]:
    """Return the verdict on a text without a report, as qmail, Exim and older servers write; by flufl.bounce."""
    temporary, permanent = all_failures(message)
    words = _words(message)
    status = read_status(words)
    if not (temporary or permanent or message.get("X-Failed-Recipients") or _is_daemon(message)):
        return BounceVerdict.UNKNOWN, None
    is_warning = _WARNING.search(_head(message, words))
    if (temporary and not permanent) or is_warning:
        return BounceVerdict.DELAYED, status
    verdict = judge_failure(status, words)
    if verdict is BounceVerdict.REFUSED and status is None and not permanent and not message.get("X-Failed-Recipients"):
        return BounceVerdict.UNKNOWN, None
    return verdict, status


def _head(message: Message, words: str) -> str:
    return f"{_subject(message)}\n{words[:600]}"


def _subject(message: Message) -> str:
    return str(make_header(decode_header(str(message.get("Subject", "")))))


def _words(message: Message) -> str:
    """Return the text of the report, up to the message that it quotes."""
    for part in _own(message):
        if part.get_content_type() == "text/plain" and not part.is_multipart():
            return _BEFORE_QUOTE.split(_decoded(part).replace("\r\n", "\n"), maxsplit=1)[0]
    for part in _own(message):
        if part.get_content_type() == "text/html" and not part.is_multipart():
            return re.sub(r"<[^>]{0,500}>", " ", _decoded(part))
    return ""


def _decoded(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    charset = part.get_content_charset() or "utf-8"
    try:
        return payload[:_MOST_TEXT].decode(charset, "replace")
    except LookupError:
        return payload[:_MOST_TEXT].decode("utf-8", "replace")
