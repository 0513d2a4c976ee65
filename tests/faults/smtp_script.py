"""A mail server on raw sockets. It replies to each command by the test's script, and records everything."""

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
class Reply:
    """A reply, sent after `pause` seconds with `byte_pause` seconds between its bytes. `hang_up` then disconnects."""

    text: str
    pause: float = 0.0
    byte_pause: float = 0.0
    hang_up: bool = False


# Closes the connection without a reply.
DROP = Reply("", hang_up=True)
# Sends no reply before the client's time-out.
SILENCE = Reply("", pause=3600.0)


class Script:
    """The replies of a server that accepts everything. A test overrides some. `recipient` is "" before RCPT."""

    extensions: tuple[str, ...] = ("PIPELINING", "8BITMIME", "SMTPUTF8")

    def banner(self, number: int) -> Reply:
        """Return the greeting of the connection with that number."""
        return Reply("220 ready")

    def hello(self, number: int) -> Reply:
        """Return the reply to EHLO; only its pause is used."""
        return Reply("")

    def auth(self, line: str) -> Reply:
        return Reply("235 2.7.0 welcome")

    def mail(self, sender: str) -> Reply:
        return Reply("250 2.1.0 ok")

    def rcpt(self, recipient: str) -> Reply:
        return Reply("250 2.1.5 ok")

    def data(self, recipient: str) -> Reply:
        return Reply("354 go on")

    def dot(self, recipient: str, content: bytes) -> Reply:
        return Reply("250 2.0.0 accepted")


class PhaseScript(Script):
    """Replies that are chosen by phase. A test overrides `reply_in`."""

    def reply_in(self, phase: str, accepting: Reply) -> Reply:
        """Return the reply in that phase; `accepting` is the one that accepts."""
        return accepting

    def banner(self, number: int) -> Reply:
        return self.reply_in("banner", super().banner(number))

    def hello(self, number: int) -> Reply:
        return self.reply_in("hello", super().hello(number))

    def auth(self, line: str) -> Reply:
        return self.reply_in("auth", super().auth(line))

    def mail(self, sender: str) -> Reply:
        return self.reply_in("mail", super().mail(sender))

    def rcpt(self, recipient: str) -> Reply:
        return self.reply_in("rcpt", super().rcpt(recipient))

    def data(self, recipient: str) -> Reply:
        return self.reply_in("data", super().data(recipient))

    def dot(self, recipient: str, content: bytes) -> Reply:
        return self.reply_in("dot", super().dot(recipient, content))


@dataclass(frozen=True, slots=True)
class Received:
    """A message that arrived up to its final dot, and whether the server then accepted it."""

    at: float
    sender: str
    recipient: str
    content: bytes
    was_accepted: bool

    @property
    def message_id(self) -> str:
        """Return its Message-ID."""
        match = re.search(rb"^Message-ID: (\S+)", self.content, re.MULTILINE)
        assert match is not None
        return match[1].decode()


@dataclass
class Server:
    """A server on a free port of the loopback interface; it accepts connections inside its `with` block."""

    script: Script = field(default_factory=Script)
    tls: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        self.received: list[Received] = []
        self.attempts: Counter[str] = Counter()
        self.connections = 0
        self.unencrypted_commands: list[str] = []
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._listener.getsockname()[1])
        self._acceptor = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Server:
        self._acceptor.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Closing alone would leave the thread waiting in accept().
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._listener.close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def copies(self) -> dict[str, list[Received]]:
        """Return the messages that arrived, by Message-ID."""
        by_message_id: defaultdict[str, list[Received]] = defaultdict(list)
        for message in list(self.received):
            by_message_id[message.message_id].append(message)
        return by_message_id

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                number = self.connections
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        self._open.add(connection)
        session = _Session(self, connection, number)
        with contextlib.suppress(OSError, EOFError):
            session.serve()
        self._open.discard(connection)
        session.close()


class _Session:
    """One SMTP session on a connection."""

    def __init__(self, server: Server, connection: socket.socket, number: int) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._server = server
        self._connection = connection
        self._number = number
        self._file = connection.makefile("rb")
        self._is_encrypted = False
        self._sender = self._recipient = ""

    def serve(self) -> None:
        self._say(self._server.script.banner(self._number))
        while raw := self._file.readline():
            script = self._server.script
            command = raw.decode("utf-8", "replace").strip()
            if not self._is_encrypted:
                self._server.unencrypted_commands.append(command)
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
                self._say(Reply("221 bye", hang_up=True))
            else:
                self._say(Reply("250 ok"))

    def close(self) -> None:
        """Close the connection."""
        self._file.close()
        self._connection.close()

    def _hello(self) -> None:
        time.sleep(self._server.script.hello(self._number).pause)
        extensions = [*self._server.script.extensions]
        if self._server.tls is not None and not self._is_encrypted:
            extensions.append("STARTTLS")
        lines = ["test", *extensions]
        answer = [f"250{'-' if connection is not lines[-1] else ' '}{connection}" for connection in lines]
        self._say(Reply("\r\n".join(answer)))

    def _secure(self) -> None:
        assert self._server.tls is not None
        self._say(Reply("220 go on"))
        self._file.close()
        self._connection = self._server.tls.wrap_socket(self._connection, server_side=True)
        self._file = self._connection.makefile("rb")
        self._is_encrypted = True

    def _rcpt(self, script: Script, recipient: str) -> None:
        with self._server._lock:
            self._server.attempts[recipient] += 1
        answer = script.rcpt(recipient)
        if answer.text.startswith("2"):
            self._recipient = recipient
        self._say(answer)

    def _data(self, script: Script) -> None:
        if not self._recipient:
            self._say(Reply("554 5.5.1 no valid recipients"))
            return
        answer = script.data(self._recipient)
        self._say(answer)
        if not answer.text.startswith("3"):
            return
        lines = []
        while (connection := self._file.readline()) != b".\r\n":
            if not connection:
                raise EOFError
            lines.append(connection[1:] if connection.startswith(b".") else connection)
        content = b"".join(lines)
        answer = script.dot(self._recipient, content)
        is_accepted = answer.text.startswith("2")
        with self._server._lock:
            self._server.received.append(Received(time.time(), self._sender, self._recipient, content, is_accepted))
        self._say(answer)

    def _say(self, answer: Reply) -> None:
        if answer.pause:
            time.sleep(answer.pause)
        if answer.text:
            data = answer.text.encode() + b"\r\n"
            if answer.byte_pause:
                for byte in data:
                    self._connection.sendall(bytes((byte,)))
                    time.sleep(answer.byte_pause)
            else:
                self._connection.sendall(data)
        if answer.hang_up:
            raise EOFError


def _between(command: str) -> str:
    return command.partition("<")[2].rpartition(">")[0]
