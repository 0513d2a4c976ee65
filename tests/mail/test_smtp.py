"""The SMTP client: outcomes by phase and code, verified TLS, and time-outs."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from campaign.domain.outbox.mail_state import DeliveryOutcome
from campaign.mail.smtp import smtp_protocol
from campaign.mail.smtp.client import SmtpConnection
from tests.faults.smtp_script import DROP, SILENCE, PhaseScript, Reply, Script, Server
from tests.mail.conftest import connection_to

MESSAGE = b"Message-ID: <1@x>\r\n\r\n.a line\r\nand\n.another\r\n"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


def send(
    server: Server,
    recipient: str = "a@mail.example",
    scheme: str = "smtp",
    user: str = "",
    trusted: ssl.SSLContext | None = None,
) -> tuple[str, str, int | None]:
    connection = connection_to(f"{scheme}://{user}127.0.0.1:{server.port}", trusted)
    attempt = connection.deliver("bounce+1.x@tocsin.example", recipient, MESSAGE)
    connection.close()
    return attempt.outcome, attempt.phase, attempt.code


class ScriptWithReply(PhaseScript):
    """The replies of a server that gives another reply in one phase."""

    def __init__(self, phase: str, answer: Reply, extensions: tuple[str, ...] = Script.extensions) -> None:
        self._phase, self._answer, self.extensions = phase, answer, extensions

    def reply_in(self, phase: str, accepting: Reply) -> Reply:
        return self._answer if phase == self._phase else accepting


@pytest.mark.parametrize("extensions", [Script.extensions, ()], ids=["pipelining", "one by one"])
@pytest.mark.parametrize(
    ("phase", "answer", "outcome"),
    [
        ("banner", Reply("554 5.7.1 go away"), (DeliveryOutcome.SENDER_REFUSED, "connect", 554)),
        ("banner", Reply("421 4.3.2 later"), (DeliveryOutcome.UNREACHABLE, "connect", 421)),
        ("banner", DROP, (DeliveryOutcome.UNREACHABLE, "connect", None)),
        ("banner", Reply("what?"), (DeliveryOutcome.UNREACHABLE, "connect", None)),
        ("mail", Reply("550 5.7.1 not you"), (DeliveryOutcome.SENDER_REFUSED, "mail", 550)),
        ("mail", Reply("530 5.7.0 log in first"), (DeliveryOutcome.SENDER_REFUSED, "mail", 530)),
        ("mail", Reply("552 5.3.4 too large"), (DeliveryOutcome.DEAD, "mail", 552)),
        ("mail", Reply("451 4.3.0 later"), (DeliveryOutcome.RETRY, "mail", 451)),
        ("rcpt", Reply("550 5.1.1 nobody"), (DeliveryOutcome.MAILBOX_REFUSED, "rcpt", 550)),
        ("rcpt", Reply("550 5.1.10 null MX"), (DeliveryOutcome.MAILBOX_REFUSED, "rcpt", 550)),
        ("rcpt", Reply("553 5.1.8 bad sender"), (DeliveryOutcome.SENDER_REFUSED, "rcpt", 553)),
        ("rcpt", Reply("550 nobody"), (DeliveryOutcome.DEAD, "rcpt", 550)),
        ("rcpt", Reply("552 5.2.2 full"), (DeliveryOutcome.DEAD, "rcpt", 552)),
        ("rcpt", Reply("554 5.7.1 relay denied"), (DeliveryOutcome.SENDER_REFUSED, "rcpt", 554)),
        ("rcpt", Reply("450 4.7.1 greylisted"), (DeliveryOutcome.RETRY, "rcpt", 450)),
        ("rcpt", DROP, (DeliveryOutcome.RETRY, "rcpt", None)),
        ("data", Reply("554 5.5.1 no"), (DeliveryOutcome.DEAD, "data", 554)),
        ("data", Reply("421 4.3.2 closing", hang_up=True), (DeliveryOutcome.RETRY, "data", 421)),
        ("dot", Reply("554 5.6.0 content"), (DeliveryOutcome.DEAD, "dot", 554)),
        ("dot", Reply("550 5.7.1 spam"), (DeliveryOutcome.SENDER_REFUSED, "dot", 550)),
        ("dot", Reply("452 4.3.1 no room"), (DeliveryOutcome.RETRY, "dot", 452)),
        ("dot", DROP, (DeliveryOutcome.AMBIGUOUS, "dot", None)),
        ("dot", Reply("thanks"), (DeliveryOutcome.AMBIGUOUS, "dot", None)),
    ],
)
def test_the_phase_and_the_code_decide(
    server: Server,
    extensions: tuple[str, ...],
    phase: str,
    answer: Reply,
    outcome: tuple[DeliveryOutcome, str, int | None],
) -> None:
    server.script = ScriptWithReply(phase, answer, extensions)
    assert send(server) == outcome


def test_content_arrives_unchanged_over_one_connection(server: Server) -> None:
    connection = connection_to(f"smtp://127.0.0.1:{server.port}")
    for number in range(5):
        assert connection.deliver("s@x.example", f"a{number}@mail.example", MESSAGE).outcome is DeliveryOutcome.SENT
    connection.close()
    assert server.connections == 1
    assert {message.content for message in server.received} == {
        b"Message-ID: <1@x>\r\n\r\n.a line\r\nand\r\n.another\r\n"
    }


def test_after_a_refusal_the_connection_sends_the_next_message(server: Server) -> None:
    server.script = ScriptWithReply("rcpt", Reply("550 5.1.1 nobody"))
    connection = connection_to(f"smtp://127.0.0.1:{server.port}")
    assert connection.deliver("s@x.example", "a@mail.example", MESSAGE).outcome is DeliveryOutcome.MAILBOX_REFUSED
    server.script = Script()
    assert connection.deliver("s@x.example", "b@mail.example", MESSAGE).outcome is DeliveryOutcome.SENT
    connection.close()
    assert server.connections == 1


def test_a_connection_that_went_stale_is_opened_again(server: Server) -> None:
    connection = connection_to(f"smtp://127.0.0.1:{server.port}")
    assert connection.deliver("s@x.example", "a@mail.example", MESSAGE).outcome is DeliveryOutcome.SENT
    for line in list(server._open):
        line.shutdown(2)
    assert connection.deliver("s@x.example", "b@mail.example", MESSAGE).outcome is DeliveryOutcome.SENT
    connection.close()


@pytest.mark.parametrize("address", ["a@b.example>\r\nRCPT TO:<c@d.example", "a\0@b.example", "", "a@b.example> X=<"])
def test_an_address_cannot_add_a_command(server: Server, address: str) -> None:
    assert send(server, address)[0] == DeliveryOutcome.DEAD
    assert server.connections == 0


@pytest.mark.slow
def test_a_reply_of_one_byte_a_second_times_out(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("campaign.mail.smtp.client.COMMAND_SECONDS", 1.5)
    server.script = ScriptWithReply("rcpt", Reply("250 2.1.5 very slow indeed", byte_pause=0.5))
    begin = time.monotonic()
    assert send(server) == (DeliveryOutcome.RETRY, "rcpt", None)
    assert time.monotonic() - begin < 4


def abort_after_message(server: Server, connection: SmtpConnection) -> None:
    while not server.received:
        time.sleep(0.02)
    connection.abort()


@pytest.mark.slow
def test_a_silent_server_times_out_and_the_wait_can_be_aborted(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("campaign.mail.smtp.client.CONNECT_SECONDS", 1.0)
    server.script = ScriptWithReply("banner", SILENCE)
    assert send(server) == (DeliveryOutcome.UNREACHABLE, "connect", None)
    server.script = ScriptWithReply("dot", SILENCE)
    connection = connection_to(f"smtp://127.0.0.1:{server.port}")
    threading.Thread(target=abort_after_message, args=(server, connection)).start()
    assert connection.deliver("s@x.example", "a@mail.example", MESSAGE).outcome is DeliveryOutcome.AMBIGUOUS
    assert smtp_protocol.FINAL_DOT_SECONDS == 600


def test_an_address_in_utf_8_is_sent_only_to_a_server_with_smtputf8(server: Server) -> None:
    assert send(server, "żółw@mail.example")[0] == DeliveryOutcome.SENT
    server.script = ScriptWithReply("", Reply(""), ())
    assert send(server, "żółw@mail.example")[0] == DeliveryOutcome.DEAD


def test_a_refused_or_missing_log_in_is_a_global_failure(server: Server) -> None:
    server.script = ScriptWithReply("auth", Reply("535 5.7.8 no"), ("AUTH PLAIN",))
    assert send(server, user="me:secret@") == (DeliveryOutcome.SENDER_REFUSED, "auth", 535)
    server.script = ScriptWithReply("auth", Reply("454 4.7.0 later"), ("AUTH PLAIN",))
    assert send(server, user="me:secret@") == (DeliveryOutcome.UNREACHABLE, "auth", 454)
    server.script = Script()
    assert send(server, user="me:secret@") == (DeliveryOutcome.SENDER_REFUSED, "auth", None)


class Authority:
    """A certificate authority for tests."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        self._certificate = self._sign(self._name, self._key.public_key(), is_authority=True)

    def server(self, address: str = "127.0.0.1") -> ssl.SSLContext:
        """Return the context of a server with a certificate for that address."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)])
        certificate = self._sign(name, key.public_key(), address=address)
        path = self._folder / f"{address}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def client(self) -> ssl.SSLContext:
        """Return the context of a client that trusts this authority."""
        pem = self._certificate.public_bytes(serialization.Encoding.PEM).decode()
        return ssl.create_default_context(cadata=pem)

    def _sign(
        self, name: x509.Name, key: ec.EllipticCurvePublicKey, *, address: str = "", is_authority: bool = False
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if is_authority:
            usage = x509.KeyUsage(
                digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
                key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
                decipher_only=False,
            )  # fmt: skip
            builder = builder.add_extension(usage, critical=True)
        if address:
            name_of = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
            builder = builder.add_extension(name_of, critical=False)
        return builder.sign(self._key, hashes.SHA256())


def test_without_verified_starttls_nothing_is_sent(server: Server, tmp_path: Path) -> None:
    ours, foreign = Authority(tmp_path), Authority(tmp_path)
    said = {"EHLO", "STARTTLS", "QUIT", ""}
    for context, certificate, outcome in (
        (ours.client(), ours.server(), DeliveryOutcome.SENT),
        (ours.client(), foreign.server(), DeliveryOutcome.SENDER_REFUSED),
        (ours.client(), ours.server("127.0.0.2"), DeliveryOutcome.SENDER_REFUSED),
        (None, ours.server(), DeliveryOutcome.SENDER_REFUSED),
        (ours.client(), None, DeliveryOutcome.SENDER_REFUSED),
    ):
        server.unencrypted_commands.clear()
        server.tls = certificate
        assert send(server, scheme="smtp+starttls", trusted=context)[0] == outcome
        assert {line.partition(" ")[0].upper() for line in server.unencrypted_commands} <= said
    assert len(server.received) == 1


def test_replies_before_starttls_are_discarded(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority(tmp_path)
    server.tls = authority.server()
    real = smtp_protocol.SmtpProtocol.docmd

    def docmd(self: smtp_protocol.SmtpProtocol, command: str, arguments: str = "") -> tuple[int, bytes]:
        answer = real(self, command, arguments)
        if command == "STARTTLS":
            self._received += b"250-injected\r\n250 AUTH PLAIN\r\n"
        return answer

    monkeypatch.setattr(smtp_protocol.SmtpProtocol, "docmd", docmd)
    assert send(server, scheme="smtp+starttls", trusted=authority.client()) == (
        DeliveryOutcome.UNREACHABLE,
        "tls",
        None,
    )
    assert server.received == []
