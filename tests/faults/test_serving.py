"""A bare gunicorn: slow and half-sent requests take no thread, and a reload makes nobody wait."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from campaign.serving import PartialRequest
from tests.attack import Figure
from tests.conftest import KEYS
from tests.deploy.processes import environment, flask, free_port, running, wait_for, web

HEAD = b"POST /en/new-link HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"


def arriving(*pieces: bytes) -> list[bool]:
    """Return the number of the piece after which the request is whole."""
    one = PartialRequest()
    found = []
    for piece in pieces:
        one.data += piece
        found.append(one.is_whole())
    return found


def test_a_request_is_whole_when_its_last_byte_is_there() -> None:
    get = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    assert arriving(get[:5], get[5:-1], get[-1:]) == [False, False, True]
    assert arriving(HEAD + b"content-length: 3\r\n\r\n", b"a=", b"1") == [False, False, True]
    assert arriving(HEAD + b"Content-Length: 3\r\n\r\na=1GET /") == [True], "the next request may follow"
    assert arriving(HEAD + b"Content-Length: 99999999\r\n\r\n") == [True], "refused by its length, unread"
    assert arriving(HEAD + b"X-Content-Length: 9\r\n\r\n") == [True]
    assert arriving(b"x" * 70_000) == [True], "the parser refuses it"


def test_a_body_of_chunks_is_whole_after_the_last_one() -> None:
    chunked = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    assert arriving(chunked, b"5\r\n0\r\n\r\n", b"\r\n", b"0\r\n", b"\r\n") == [False, False, False, False, True]
    assert arriving(chunked + b"3;x=y\r\na=1\r\n0\r\nTrailer: x\r\n", b"\r\n") == [False, True]
    assert arriving(chunked + b"zz\r\n") == [True], "the parser refuses it"


def test_a_client_that_asks_is_told_once_to_go_on() -> None:
    one = PartialRequest(HEAD + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n")
    assert not one.is_whole()
    assert [one.asks_to_go_on(), one.asks_to_go_on()] == [True, False]


@contextmanager
def served(folder: Path, *options: str, workers: int = 1) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Yield a gunicorn as a service runs it: without a home folder that it could write to."""
    port = free_port()
    environ = environment(**KEYS, TOCSIN_DATABASE_URL=f"sqlite:///{folder}/tocsin.db", HOME="/nonexistent")
    flask(environ, "db", "upgrade")
    command = [one for one in web(port, workers) if one != "--no-control-socket"]
    with running(environ, [[*command, *options]], folder / "log") as (process,):
        wait_for(f"http://127.0.0.1:{port}/readyz")
        yield port, process
    assert "control socket" not in (folder / "log").read_text()


def ask(port: int, path: str = "/healthz", body: bytes | None = None, **headers: str) -> tuple[int, float]:
    """Return the status and the seconds that it took."""
    began = time.monotonic()
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET" if body is None else "POST", path, body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status, time.monotonic() - began
    finally:
        connection.close()


@pytest.mark.slow
def test_slow_and_half_sent_requests_take_no_thread(tmp_path: Path, figure: Figure) -> None:
    halves = (
        b"",
        b"G",
        HEAD,
        HEAD + b"Content-Length: 30\r\n\r\n",
        HEAD + b"Content-Length: 30\r\n\r\nemail=",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n0\r\n\r\n\r\n",
    )
    with served(tmp_path) as (port, _):
        opened = [socket.create_connection(("127.0.0.1", port)) for _ in range(210)]
        try:
            for number, half in enumerate(opened):
                half.sendall(halves[number % len(halves)])
            # One that had a whole request sends half of the next one.
            again = socket.create_connection(("127.0.0.1", port))
            again.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + HEAD)
            assert b"200 OK" in again.recv(1000)
            for _ in range(20):  # answered, and then not closed by the client
                opened.append(socket.create_connection(("127.0.0.1", port)))
                opened[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            took = [ask(port) for _ in range(10)]
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            assert ask(port, "/en/new-link", b"email=nobody", **form)[0] == 422
            large = socket.create_connection(("127.0.0.1", port))
            large.sendall(HEAD + b"Content-Length: 9000000\r\n\r\nemail=")
            assert b" 413 " in large.recv(1000), "refused by its length, unread"
            opened += [again, large]
            # A slow one is answered all the same, when its last byte has come.
            for byte in b"Content-Length: 9\r\n\r\nemail=foo":
                again.sendall(bytes([byte]))
                time.sleep(0.01)
            assert b" 422 " in again.recv(1000)
        finally:
            for half in opened:
                half.close()
    assert {status for status, _ in took} == {200}
    slowest = max(seconds for _, seconds in took)
    figure("10 faults: 210 half-sent requests: the slowest answer to another, s", round(slowest, 2), "1")
    assert slowest < 1


@pytest.mark.slow
def test_too_many_half_sent_requests_make_room_for_whole_ones(tmp_path: Path) -> None:
    with served(tmp_path, "--worker-connections", "20") as (port, _):
        opened = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
        for half in opened:
            half.sendall(b"GET /")
        assert ask(port)[0] == 200
        for half in opened:
            half.close()


@pytest.mark.slow
def test_a_reload_makes_nobody_wait(tmp_path: Path, figure: Figure) -> None:
    """Reload by HUP under constant requests: no answer takes a second, and the processes are new ones."""
    took: list[tuple[int, float]] = []
    with served(tmp_path, workers=2) as (port, process):
        before = children(process)
        stop = threading.Event()

        def send_requests() -> None:
            while not stop.is_set():
                took.append(ask(port, "/en/"))
                time.sleep(0.02)

        asking = threading.Thread(target=send_requests)
        asking.start()
        time.sleep(1)
        process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 60
        while children(process) & before or len(children(process)) != 2:
            assert time.monotonic() < end, "the old processes did not go"
            time.sleep(0.2)
        time.sleep(1)
        stop.set()
        asking.join()
    assert {status for status, _ in took} == {200}
    slowest = max(seconds for _, seconds in took)
    figure(f"10 faults: HUP under {len(took)} requests: the slowest answer, s", round(slowest, 2), "1")
    assert slowest < 1


def children(process: subprocess.Popen[bytes]) -> set[str]:
    found = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False)
    return set(found.stdout.split())
