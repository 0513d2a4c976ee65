# ruff: noqa: E501  servers' lines are easier to read unbroken
"""Delivery reports in the shapes of the large providers, built here: addresses, names and words are invented.

Each sample has its verdict. `{to}` is the mailbox that was written to.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from functools import partial

from campaign.domain.delivery.return_path import ReturnPaths
from tests.mail.dsn_words import (
    ANSWERS,
    AUTOMATIC,
    COMPLAINT,
    DELAYED,
    FORGED,
    LETTERS,
    PROVIDERS,
    UNADDRESSED,
    UNKNOWN,
    Case,
)

SITE = "act.tocsin.example"
MESSAGE = "<0123456789abcdef@tocsin.example>"


@dataclass(frozen=True)
class Sample:
    """One message as it arrives, and its verdict."""

    name: str
    content: bytes
    verdict: str
    mail_id: int | None


# Fields that a variation omits or writes differently; the deciding fields stay.
VARIATIONS = (
    "plain", "crlf", "no-text", "no-original", "headers-only", "upper-case", "folded", "base64", "x-original-to",
    "delivered-to", "envelope-to", "no-action", "no-diagnostic", "no-status", "two-blocks", "argument", "utf-8-report",
)  # fmt: skip


def return_paths() -> ReturnPaths:
    """Return the return paths of the tests' application."""
    return ReturnPaths(("a secret for tests, long enough to be taken",), "tocsin.example")


def samples(
    paths: ReturnPaths, mail_id: Callable[[int], int] = lambda number: number, message_id: str = MESSAGE
) -> list[Sample]:
    """Return all samples, always the same ones."""
    path_of = partial(paths.make, message_id=message_id)
    made: list[Sample] = []
    for maker in (_reports, _letters, _answers, _complaints):
        made += maker(path_of, mail_id, len(made) + 1)
    return made


def forged(paths: ReturnPaths) -> list[Sample]:
    """Return genuine reports to forged return paths, or with the return path in a place that anyone can write."""
    good = paths.make(1, MESSAGE)
    local, _, domain = good.partition("@")
    signature = local.rpartition(".")[2]
    swapped = ("b" if signature[0] != "b" else "c") + signature[1:]
    other = ReturnPaths(("another secret of somebody else, long enough",), domain).make(1, MESSAGE)
    wrong = [
        f"bounce+2.{signature}@{domain}", f"bounce+1.{swapped}@{domain}", f"bounce+1.{signature[:-1]}@{domain}", other,
        f"bounce+1.@{domain}", f"bounce+1@{domain}", f"bounce+01.{signature}@{domain}", f"bounce+-1.{signature}@{domain}",
        f"bounce+1.{signature}@elsewhere.example", f"bounce+1.{'a' * 16}@{domain}", f"bounce+1.{signature}.x@{domain}",
        f"bounce+9999999999999999999999.{signature}@{domain}", f"bounce+1.{signature}x@{domain}",
        f"bounce+.{signature}@{domain}",
    ]  # fmt: skip
    made = [Sample(f"forged {path}", _report("postfix", 0, path, "plain"), FORGED, None) for path in wrong]
    quoted = _report("postfix", 0, "someone@tocsin.example", "plain", quoted_path=good)
    made.append(Sample("path only in the quoted message", quoted, UNADDRESSED, None))
    made.append(Sample("no recipient at all", quoted.replace(b"To: someone@tocsin.example\n", b""), UNADDRESSED, None))
    subject = _report("gmail", 0, "someone@tocsin.example", "plain").replace(b"Subject: ", f"Subject: {good} ".encode())
    made.append(Sample("path in the subject", subject, UNADDRESSED, None))
    sender = _report("gmail", 0, "someone@tocsin.example", "plain").replace(
        b"From: ", f"Reply-To: {good}\nFrom: ".encode()
    )
    made.append(Sample("path in another header", sender, UNADDRESSED, None))
    made.append(Sample("nothing", b"", UNADDRESSED, None))
    made.append(Sample("bytes", bytes(range(256)) * 20, UNADDRESSED, None))
    return made


def _reports(path_of: Callable[[int], str], mail_id: Callable[[int], int], first: int) -> Iterator[Sample]:
    number = first
    for turn in range(2):
        for provider, (_, _, _, cases) in PROVIDERS.items():
            for index, case in enumerate(cases):
                variation = VARIATIONS[(number * 7 + turn) % len(VARIATIONS)]
                if not _allows(case, variation):
                    variation = "plain" if turn == 0 else "crlf"
                one = mail_id(number)
                content = _report(provider, index, path_of(one), variation)
                yield Sample(f"{provider} {index} {variation}", content, case[0], one)
                number += 1


def _allows(case: Case, variation: str) -> bool:
    verdict, status, _, diagnostic = case
    if variation == "no-diagnostic":
        return status is not None and not status.endswith(".0") and status not in {"5.4.1", "5.4.4", "5.7.1"}
    if variation == "no-status":
        return status is not None and status in (diagnostic or "")
    if variation == "no-action":
        return status is not None and (status[0] == "5" or verdict == DELAYED)
    return True


def _report(provider: str, index: int, path: str, variation: str, quoted_path: str | None = None) -> bytes:
    sender, reporter, domain, cases = PROVIDERS[provider]
    _, status, action, diagnostic = cases[index]
    to = f"somebody{index}@{domain}"
    fields = [f"Reporting-MTA: {reporter}", "Arrival-Date: Sun, 1 Mar 2026 12:00:00 +0000", ""]
    block = [f"Final-Recipient: rfc822; {to}"]
    block += [f"Action: {action}"] if action and variation != "no-action" else []
    block += [f"Status: {status}"] if status and variation != "no-status" else []
    if diagnostic and variation != "no-diagnostic":
        said = diagnostic.format(to=to) if "{to}" in diagnostic else diagnostic
        block.append("Diagnostic-Code: " + (said.replace(" ", "\n ", 4) if variation == "folded" else said))
    if variation == "two-blocks":
        block += ["", "Final-Recipient: rfc822; archive@tocsin.example", "Action: relayed", "Status: 2.0.0"]
    if variation == "upper-case":
        block = [name.upper() + ":" + value for name, _, value in (line.partition(":") for line in block)]
    report = "\n".join([*fields, *block, ""])
    kind = "message/delivery-status"
    if variation == "utf-8-report":
        kind = "message/global-delivery-status"
    parts = []
    if variation != "no-text":
        parts.append(
            "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" + _TEXT.format(to=to)
        )
    if variation == "base64":
        packed = base64.encodebytes(report.encode()).decode()
        parts.append(f"Content-Type: {kind}\nContent-Transfer-Encoding: base64\n\n{packed}")
    else:
        parts.append(f"Content-Type: {kind}\n\n{report}")
    original = _ORIGINAL.format(path=quoted_path or path, to=to)
    if variation == "headers-only":
        parts.append("Content-Type: text/rfc822-headers\n\n" + original.partition("\n\n")[0] + "\n")
    elif variation != "no-original":
        parts.append("Content-Type: message/rfc822\n\n" + original)
    head = [f"From: {sender}", *_addressed(path, variation), "Subject: Undelivered Mail Returned to Sender"]
    head += ["Auto-Submitted: auto-replied", "MIME-Version: 1.0"]
    head += ['Content-Type: multipart/report; report-type=delivery-status; boundary="=_part"', ""]
    body = "".join(f"--=_part\n{part}\n" for part in parts) + "--=_part--\n"
    content = ("\n".join(head) + "\n" + body).encode()
    return content.replace(b"\n", b"\r\n") if variation == "crlf" else content


def _addressed(path: str, variation: str) -> list[str]:
    by_name = {"delivered-to": "Delivered-To", "x-original-to": "X-Original-To", "envelope-to": "Envelope-to"}
    if variation in by_name:
        return [f"{by_name[variation]}: {path}", "To: undisclosed-recipients:;"]
    return [f"To: {path.upper() if variation == 'upper-case' else path}"]


_TEXT = """This is the mail system.

I'm sorry to have to inform you that your message could not be delivered to {to}.

"""

_ORIGINAL = """Return-Path: <{path}>
Received: from act.tocsin.example by mx.example; Sun, 1 Mar 2026 12:00:00 +0000
From: Tocsin <act@tocsin.example>
To: {to}
Subject: Please confirm your signature: the temporary school
Auto-Submitted: auto-generated
Message-ID: <1@tocsin.example>

You have signed this appeal. User unknown? 4.2.2 or 550 5.1.1 here means nothing.
"""


def _letters(path_of: Callable[[int], str], mail_id: Callable[[int], int], first: int) -> Iterator[Sample]:
    for number, (name, verdict, sender, subject, text) in enumerate(LETTERS * 2, first):
        one = mail_id(number)
        message = EmailMessage()
        message["From"] = f"Mail Delivery <{sender}>" if number % 2 else sender
        message["To"] = path_of(one)
        message["Subject"] = subject
        to = f"somebody{number}@mail.example"
        if name.startswith("exim") and verdict != DELAYED:
            message["X-Failed-Recipients"] = to
            message["Auto-Submitted"] = "auto-replied"
        message.set_content(text.format(to=to))
        yield Sample(f"letter {name}", message.as_bytes(), verdict, one)


def _answers(path_of: Callable[[int], str], mail_id: Callable[[int], int], first: int) -> Iterator[Sample]:
    for number, (verdict, headers, subject, text) in enumerate(ANSWERS, first):
        one = mail_id(number)
        message = EmailMessage()
        message["Return-Path"] = "<>" if number % 2 else "<somebody@mail.example>"
        message["From"] = "Somebody <somebody@mail.example>"
        message["Delivered-To"] = path_of(one)
        message["Subject"] = subject
        for name, value in headers.items():
            message[name] = value
        message.set_content(text)
        yield Sample(f"answer {subject}", message.as_bytes(), verdict, one)


def _complaints(path_of: Callable[[int], str], mail_id: Callable[[int], int], first: int) -> Iterator[Sample]:
    shapes = [
        ("feedback-report", "message/feedback-report", "Feedback-Type: abuse\nUser-Agent: Somebody/1\nVersion: 1\n", COMPLAINT),
        ("feedback-report", "message/feedback-report", "Feedback-Type: abuse\nVersion: 0.1\n", COMPLAINT),
        ("disposition-notification", "message/disposition-notification",
         "Final-Recipient: rfc822; a@mail.example\nDisposition: automatic-action/MDN-sent-automatically; displayed\n", AUTOMATIC),
        ("delivery-status", "message/delivery-status",
         "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; a@mail.example\nAction: delivered\nStatus: 2.0.0\n", AUTOMATIC),
        ("delivery-status", "message/delivery-status",
         "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; a@mail.example\nAction: relayed\nStatus: 2.1.9\n", AUTOMATIC),
        ("delivery-status", "message/delivery-status", "Reporting-MTA: dns; mx.example\n", UNKNOWN),
    ]  # fmt: skip
    for number, (report, kind, text, verdict) in enumerate(shapes, first):
        one = mail_id(number)
        path = path_of(one)
        content = (
            f"From: reports@mail.example\nTo: <{path}>\nSubject: report\nMIME-Version: 1.0\n"
            f'Content-Type: multipart/report; report-type={report}; boundary="b"\n\n'
            f"--b\nContent-Type: text/plain\n\nThis is a report.\n--b\nContent-Type: {kind}\n\n{text}\n"
            f"--b\nContent-Type: message/rfc822\n\n{_ORIGINAL.format(path=path, to='a@mail.example')}\n--b--\n"
        )
        yield Sample(f"{report} {number}", content.encode(), verdict, one)


def mutated(sample: Sample, seed: int) -> bytes:
    """Return the sample with lost, doubled or changed bytes."""
    random_source = random.Random(seed)  # noqa: S311  no secret
    content = bytearray(sample.content)
    for _ in range(random_source.randint(1, 30)):
        at = random_source.randrange(len(content) or 1)
        match random_source.randrange(3):
            case 0:
                del content[at : at + random_source.randint(1, 40)]
            case 1:
                content[at:at] = content[at : at + random_source.randint(1, 40)]
            case _:
                content[at : at + 1] = bytes([random_source.randrange(256)])
        if not content:
            break
    return bytes(content)
