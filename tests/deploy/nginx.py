"""A real nginx with the shipped configuration: files in a folder, free ports, a self-signed certificate."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection, RemoteDisconnected
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from campaign.config import ROOT
from tests.deploy.processes import free_port

NAME = "tocsin.example"
SHIPPED = ROOT / "deploy" / "nginx.conf"
# A main file that includes the configuration as Debian's does, with Debian's access log and error log.
_MAIN = """{user}daemon off;
pid {folder}/nginx.pid;
error_log {folder}/log/main.log;
events {{ worker_connections 512; }}
http {{
    include /etc/nginx/mime.types;
    client_body_temp_path {folder}/temp-body;
    proxy_temp_path {folder}/temp-proxy;
    fastcgi_temp_path {folder}/temp-fastcgi;
    uwsgi_temp_path {folder}/temp-uwsgi;
    scgi_temp_path {folder}/temp-scgi;
    access_log {folder}/log/access.log;
    error_log {folder}/log/error.log;
    gzip on;
    ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
    include {folder}/tocsin.conf;
}}
"""


@dataclass
class NginxAnswer:
    """Status, headers and body; status 0 where there was no answer."""

    status: int
    headers: dict[str, str]
    body: str


@dataclass
class Nginx:
    """A running nginx, and a client for TLS or plain HTTP that stores cookies."""

    folder: Path
    tls_port: int
    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(
        self,
        path: str,
        fields: dict[str, str] | None = None,
        *,
        is_plain: bool = False,
        method: str = "",
        host: str = NAME,
        timeout: float = 30,
        headers: dict[str, str] | None = None,
    ) -> NginxAnswer:
        """Send a request and return the answer; with `fields` it is a POST from the same site."""
        connection = self._connect(timeout, is_plain=is_plain)
        sent = {"Host": host, "Referer": f"https://{NAME}/"} | (headers or {})
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = None
        if fields is not None:
            body = urllib.parse.urlencode(fields)
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method or ("POST" if body is not None else "GET"), path, body, sent)
            return self._read(connection.getresponse())
        except (RemoteDisconnected, ConnectionResetError, BrokenPipeError, ssl.SSLError):
            return NginxAnswer(0, {}, "")
        finally:
            connection.close()

    def _connect(self, timeout: float, *, is_plain: bool) -> HTTPConnection:
        if is_plain:
            return HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        context = ssl.create_default_context(cafile=str(self.folder / "ssl/fullchain.pem"))
        context.check_hostname = False  # the connection goes to the loopback address
        return HTTPSConnection("127.0.0.1", self.tls_port, timeout=timeout, context=context)

    def _read(self, response: HTTPResponse) -> NginxAnswer:
        body = response.read().decode("utf-8", "replace")
        for value in response.headers.get_all("Set-Cookie") or []:
            name, _, rest = value.partition("=")
            self.cookies[name] = rest.partition(";")[0]
        return NginxAnswer(response.status, dict(response.headers), body)

    def logs(self) -> str:
        """Return everything that it has written into its logs."""
        return "\n".join(path.read_text(errors="replace") for path in sorted((self.folder / "log").iterdir()))


@contextmanager
def nginx(folder: Path, upstream_port: int) -> Iterator[Nginx]:
    """Yield the shipped configuration in front of that port; nginx must be installed (`.ci/run` does it)."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        assert "CI" not in os.environ, "CI installs nginx (.ci/run)"
        pytest.skip("nginx is not installed")
    server = Nginx(folder, free_port(), free_port())
    _write(server, upstream_port)
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        _wait_for_start(server)
        yield server
    finally:
        process.terminate()
        process.wait(10)


def _write(server: Nginx, upstream_port: int) -> None:
    folder = server.folder
    for name in ("log", "ssl"):
        (folder / name).mkdir(parents=True)
    _make_certificate(folder / "ssl")
    text = SHIPPED.read_text(encoding="utf-8")
    for shipped, here in (
        ("/var/cache/nginx-tocsin", f"{folder}/cache"),
        ("/var/log/nginx", f"{folder}/log"),
        ("/etc/ssl/tocsin", f"{folder}/ssl"),
        ("server 127.0.0.1:8000", f"server 127.0.0.1:{upstream_port}"),
        ("listen 443", f"listen 127.0.0.1:{server.tls_port}"),
        ("listen 80", f"listen 127.0.0.1:{server.port}"),
    ):
        assert re.search(rf"^[^#]*{re.escape(shipped)}", text, re.MULTILINE), shipped
        text = text.replace(shipped, here)
    (folder / "tocsin.conf").write_text(text, encoding="utf-8")
    user = "user root;\n" if os.geteuid() == 0 else ""  # the test's folder is for its owner only
    (folder / "nginx.conf").write_text(_MAIN.format(folder=folder, user=user), encoding="utf-8")


def _wait_for_start(server: Nginx) -> None:
    for _ in range(100):
        try:
            server.ask("/", is_plain=True, timeout=1)
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("nginx did not start: " + server.logs())


def _make_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
