"""A mail server on raw sockets that answers each command by the test's script, and records everything."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Say:
    """An answer; `pause` seconds before it, `byte_pause` seconds between its bytes, then perhaps a hang-up."""

    words: str
    pause: float = 0.0
    byte_pause: float = 0.0
    hang_up: bool = False


# Hangs up without a word.
DROP = Say("", hang_up=True)
# No answer until the client's time-out.
SILENCE = Say("", pause=3600.0)


class Script:
    """Accepts everything; a test overrides what it wants otherwise. `recipient` is "" before RCPT."""

    extensions: tuple[str, ...] = ("PIPELINING", "8BITMIME", "SMTPUTF8")

    def banner(self, number: int) -> Say:
        """Return the greeting of the connection with that number."""
        return Say("220 ready")

    def hello(self, number: int) -> Say:
        """Return the answer to EHLO, of which only the pause counts."""
        return Say("")

    def auth(self, line: str) -> Say:
        return Say("235 2.7.0 welcome")

    def mail(self, sender: str) -> Say:
        return Say("250 2.1.0 ok")

    def rcpt(self, recipient: str) -> Say:
        return Say("250 2.1.5 ok")

    def data(self, recipient: str) -> Say:
        return Say("354 go on")

    def dot(self, recipient: str, content: bytes) -> Say:
        return Say("250 2.0.0 taken")


@dataclass(frozen=True, slots=True)
class Received:
    """A whole message that got as far as the final dot, and whether the server then accepted it."""

    at: float
    sender: str
    recipient: str
    content: bytes
    was_taken: bool

    @property
    def message_id(self) -> str:
        """Return its Message-ID."""
        found = re.search(rb"^Message-ID: (\S+)", self.content, re.MULTILINE)
        assert found is not None
        return found[1].decode()


@dataclass
class Server:
    """A server that listens on a free port of the loopback from `with` on."""

    script: Script = field(default_factory=Script)
    tls: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        self.received: list[Received] = []
        self.attempts: Counter[str] = Counter()
        self.connections = 0
        self.clear_lines: list[str] = []
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self) -> Server:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        for line in list(self._open):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def copies(self) -> dict[str, list[Received]]:
        """Return the messages that arrived, by Message-ID."""
        found: defaultdict[str, list[Received]] = defaultdict(list)
        for one in list(self.received):
            found[one.message_id].append(one)
        return found

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                number = self.connections
            threading.Thread(target=self._serve, args=(line, number), daemon=True).start()

    def _serve(self, line: socket.socket, number: int) -> None:
        self._open.add(line)
        talk = _Talk(self, line, number)
        with contextlib.suppress(OSError, EOFError):
            talk.serve()
        self._open.discard(line)
        talk.close()


class _Talk:
    """One connection."""

    def __init__(self, server: Server, line: socket.socket, number: int) -> None:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._server = server
        self._line = line
        self._number = number
        self._file = line.makefile("rb")
        self._is_secret = False
        self._sender = self._recipient = ""

    def serve(self) -> None:
        self._say(self._server.script.banner(self._number))
        while raw := self._file.readline():
            script = self._server.script
            command = raw.decode("utf-8", "replace").strip()
            if not self._is_secret:
                self._server.clear_lines.append(command)
            verb = command.partition(" ")[0].upper()
            if verb in {"EHLO", "HELO"}:
                self._hello()
            elif verb == "STARTTLS":
                self._secure()
            elif verb == "AUTH":
                self._say(script.auth(command))
            elif verb == "MAIL":
                self._sender, self._recipient = _between(command), ""
                self._say(script.mail(self._sender))
            elif verb == "RCPT":
                self._rcpt(script, _between(command))
            elif verb == "DATA":
                self._data(script)
            elif verb == "QUIT":
                self._say(Say("221 bye", hang_up=True))
            else:
                self._say(Say("250 ok"))

    def close(self) -> None:
        """Close the connection."""
        self._file.close()
        self._line.close()

    def _hello(self) -> None:
        time.sleep(self._server.script.hello(self._number).pause)
        extensions = [*self._server.script.extensions]
        if self._server.tls is not None and not self._is_secret:
            extensions.append("STARTTLS")
        lines = ["test", *extensions]
        answer = [f"250{'-' if line is not lines[-1] else ' '}{line}" for line in lines]
        self._say(Say("\r\n".join(answer)))

    def _secure(self) -> None:
        assert self._server.tls is not None
        self._say(Say("220 go on"))
        self._file.close()
        self._line = self._server.tls.wrap_socket(self._line, server_side=True)
        self._file = self._line.makefile("rb")
        self._is_secret = True

    def _rcpt(self, script: Script, recipient: str) -> None:
        with self._server._lock:
            self._server.attempts[recipient] += 1
        answer = script.rcpt(recipient)
        if answer.words.startswith("2"):
            self._recipient = recipient
        self._say(answer)

    def _data(self, script: Script) -> None:
        if not self._recipient:
            self._say(Say("554 5.5.1 no valid recipients"))
            return
        answer = script.data(self._recipient)
        self._say(answer)
        if not answer.words.startswith("3"):
            return
        lines = []
        while (line := self._file.readline()) != b".\r\n":
            if not line:
                raise EOFError
            lines.append(line[1:] if line.startswith(b".") else line)
        content = b"".join(lines)
        answer = script.dot(self._recipient, content)
        taken = answer.words.startswith("2")
        with self._server._lock:
            self._server.received.append(Received(time.time(), self._sender, self._recipient, content, taken))
        self._say(answer)

    def _say(self, answer: Say) -> None:
        if answer.pause:
            time.sleep(answer.pause)
        if answer.words:
            data = answer.words.encode() + b"\r\n"
            if answer.byte_pause:
                for byte in data:
                    self._line.sendall(bytes((byte,)))
                    time.sleep(answer.byte_pause)
            else:
                self._line.sendall(data)
        if answer.hang_up:
            raise EOFError


def _between(command: str) -> str:
    return command.partition("<")[2].rpartition(">")[0]
