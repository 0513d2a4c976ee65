"""gunicorn without a proxy: slow and incomplete requests occupy no thread, and a reload delays no request."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from campaign.serving import PartialRequest
from tests.attack import Figure
from tests.conftest import KEYS
from tests.deploy.processes import Process, environment, flask, free_port, running, timed_request, wait_for, web

HEAD = b"POST /en/new-link HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"


def wholeness(*pieces: bytes) -> list[bool]:
    """Return after each piece whether the request is complete."""
    request = PartialRequest()
    results = []
    for piece in pieces:
        request.data += piece
        results.append(request.is_complete())
    return results


def test_a_request_is_whole_when_its_last_byte_is_there() -> None:
    get = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    assert wholeness(get[:5], get[5:-1], get[-1:]) == [False, False, True]
    assert wholeness(HEAD + b"content-length: 3\r\n\r\n", b"a=", b"1") == [False, False, True]
    assert wholeness(HEAD + b"Content-Length: 3\r\n\r\na=1GET /") == [True], "the next request may follow"
    assert wholeness(HEAD + b"Content-Length: 99999999\r\n\r\n") == [True], "refused by its length, unread"
    assert wholeness(HEAD + b"X-Content-Length: 9\r\n\r\n") == [True]
    assert wholeness(b"x" * 70_000) == [True], "the parser refuses it"


def test_a_chunked_body_is_whole_after_the_last_chunk() -> None:
    chunked = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    assert wholeness(chunked, b"5\r\n0\r\n\r\n", b"\r\n", b"0\r\n", b"\r\n") == [False, False, False, False, True]
    assert wholeness(chunked + b"3;x=y\r\na=1\r\n0\r\nTrailer: x\r\n", b"\r\n") == [False, True]
    assert wholeness(chunked + b"zz\r\n") == [True], "the parser refuses it"


def test_expect_100_continue_is_answered_once() -> None:
    request = PartialRequest(HEAD + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n")
    assert not request.is_complete()
    assert [request.must_send_continue(), request.must_send_continue()] == [True, False]


@contextmanager
def serving(folder: Path, *options: str, workers: int = 1) -> Iterator[tuple[int, Process]]:
    """Yield the port and process of a gunicorn that has no writable home folder, as under systemd."""
    port = free_port()
    environ = environment(**KEYS, TOCSIN_DATABASE_URL=f"sqlite:///{folder}/tocsin.db", HOME="/nonexistent")
    flask(environ, "db", "upgrade")
    command = [argument for argument in web(port, workers) if argument != "--no-control-socket"]
    with running(environ, [[*command, *options]], folder / "log", is_fresh=True) as (process,):
        wait_for(f"http://127.0.0.1:{port}/readyz")
        yield port, process
    assert "control socket" not in (folder / "log").read_text()


@pytest.mark.slow
def test_slow_and_incomplete_requests_occupy_no_thread(tmp_path: Path, figure: Figure) -> None:
    incomplete_requests = (
        b"",
        b"G",
        HEAD,
        HEAD + b"Content-Length: 30\r\n\r\n",
        HEAD + b"Content-Length: 30\r\n\r\nemail=",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n0\r\n\r\n\r\n",
    )
    with serving(tmp_path) as (port, _):
        opened = [socket.create_connection(("127.0.0.1", port)) for _ in range(210)]
        try:
            for number, connection in enumerate(opened):
                connection.sendall(incomplete_requests[number % len(incomplete_requests)])
            # After a whole request, this connection sends half of the next one.
            reused = socket.create_connection(("127.0.0.1", port))
            reused.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + HEAD)
            assert b"200 OK" in reused.recv(1000)
            for _ in range(20):  # answered, but not closed by the client
                opened.append(socket.create_connection(("127.0.0.1", port)))
                opened[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            answers = [timed_request(port) for _ in range(10)]
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            assert timed_request(port, "/en/new-link", b"email=nobody", **form)[0] == 422
            large = socket.create_connection(("127.0.0.1", port))
            large.sendall(HEAD + b"Content-Length: 9000000\r\n\r\nemail=")
            assert b" 413 " in large.recv(1000), "refused by its length, unread"
            opened += [reused, large]
            # A slow request is answered once its last byte has arrived.
            for byte in b"Content-Length: 9\r\n\r\nemail=foo":
                reused.sendall(bytes([byte]))
                time.sleep(0.01)
            assert b" 422 " in reused.recv(1000)
        finally:
            for connection in opened:
                connection.close()
    assert {status for status, _ in answers} == {200}
    slowest = max(seconds for _, seconds in answers)
    figure("10 faults: 210 half-sent requests: the slowest answer to another, s", round(slowest, 2), "1")
    assert slowest < 1


@pytest.mark.slow
def test_incomplete_requests_make_room_for_whole_ones(tmp_path: Path) -> None:
    with serving(tmp_path, "--worker-connections", "20") as (port, _):
        opened = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
        for connection in opened:
            connection.sendall(b"GET /")
        assert timed_request(port)[0] == 200
        for connection in opened:
            connection.close()


@pytest.mark.slow
def test_a_reload_delays_no_request(tmp_path: Path, figure: Figure) -> None:
    """Reload by HUP under constant requests: no answer takes a second, and the processes are new ones."""
    answers: list[tuple[int, float]] = []
    with serving(tmp_path, workers=2) as (port, process):
        old_processes = children(process)
        stop = threading.Event()

        def send_requests() -> None:
            while not stop.is_set():
                answers.append(timed_request(port, "/en/"))
                time.sleep(0.02)

        client = threading.Thread(target=send_requests)
        client.start()
        time.sleep(1)
        process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 60
        while children(process) & old_processes or len(children(process)) != 2:
            assert time.monotonic() < end, "the old processes did not end"
            time.sleep(0.2)
        time.sleep(1)
        stop.set()
        client.join()
    assert {status for status, _ in answers} == {200}
    slowest = max(seconds for _, seconds in answers)
    figure(f"10 faults: HUP under {len(answers)} requests: the slowest answer, s", round(slowest, 2), "1")
    assert slowest < 1


def children(process: Process) -> set[str]:
    listing = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False)
    return set(listing.stdout.split())
