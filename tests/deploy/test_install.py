"""The commands of docs/install.md: their packages, users and settings; and a database server without a locale."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import psycopg
import pytest

from campaign.config import ROOT
from tests.postgresql import PostgresServer, programs

GUIDE = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
WRAPPER = ROOT / "deploy" / "tocsin"
# The Debian package of each command; dash, util-linux, coreutils and sed are always installed.
PACKAGES = {
    "adduser": "adduser",
    "curl": "curl",
    "git": "git",
    "nginx": "nginx",
    "openssl": "openssl",
    "python3": "python3-venv",
    "createuser": "postgresql",
    "createdb": "postgresql",
}
ALWAYS = {"apt", "cd", "cp", "install", "ln", "mkdir", "rm", "runuser", "sed", "systemctl"}
OWN_COMMANDS = {".venv/bin/flask", ".venv/bin/pip", "tocsin"}


def commands() -> list[list[str]]:
    """Return each command of the page, in words."""
    blocks = "\n".join(line[4:] for line in GUIDE.splitlines() if line.startswith("    ")).replace("\\\n", " ")
    parts = [part for line in blocks.splitlines() for part in line.partition(" # ")[0].split(" && ")]
    words = [shlex.split(part) for part in parts]
    return [word for word in words if word and not re.match(r"TOCSIN_\w+=", word[0])]


def unwrapped(command: list[str]) -> list[str]:
    """Return the command that another user runs."""
    return command[command.index("--") + 1 :] if command[0] == "runuser" else command


def test_every_command_comes_with_a_package_that_is_installed_first() -> None:
    asked = [words for words in commands() if words[:2] == ["apt", "install"]]
    assert len(asked) == 1
    assert commands().index(asked[0]) == 1, "after apt update and before all other commands"
    for words in commands():
        for program in {words[0], unwrapped(words)[0]} - ALWAYS - OWN_COMMANDS:
            assert PACKAGES[program] in asked[0], program


def test_no_command_needs_sudo() -> None:
    """Need no sudo, which a plain Debian does not have."""
    for path in [*(ROOT / "docs").glob("*.md"), ROOT / "README.md", WRAPPER]:
        assert "sudo" not in path.read_text(encoding="utf-8"), path.name


def test_commands_have_the_settings_that_the_units_set() -> None:
    """Set the units' settings, else a restore would read another folder than the worker wrote to."""
    for unit in (ROOT / "deploy").glob("*.service"):
        for setting in re.findall(r"^Environment=(\S+)$", unit.read_text(encoding="utf-8"), re.MULTILINE):
            assert f"\n    {setting}\n" in GUIDE, unit.name


def test_commands_run_as_the_units_do() -> None:
    text = WRAPPER.read_text(encoding="utf-8")
    assert WRAPPER.stat().st_mode & 0o111 == 0o111
    assert "ln -s /srv/tocsin/deploy/tocsin /usr/local/sbin/tocsin" in GUIDE
    for unit in (ROOT / "deploy").glob("*.service"):
        words = unit.read_text(encoding="utf-8")
        user, file = (re.findall(rf"^{key}=(.*)$", words, re.MULTILINE)[0] for key in ("User", "EnvironmentFile"))
        folder = re.findall(r"^WorkingDirectory=(.*)$", words, re.MULTILINE)[0]
        assert f"runuser -u {user} --" in text
        assert f". {file}\n" in text
        assert f"exec {folder}/.venv/bin/flask --app {folder}/app.py" in text


def test_the_wrapper_passes_on_every_argument(tmp_path: Path) -> None:
    for name, script in {
        "runuser": '#!/bin/sh\ntest "$1 $2 $3" = "-u tocsin --" && shift 3 && exec "$@"\n',
        "flask": '#!/bin/sh\nprintf "%s|" "$HOME" "$TOCSIN_MAIL_FROM" "$@"\n',
        "env": "TOCSIN_MAIL_FROM='Tocsin <act@example.org>'\n",
    }.items():
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    text = WRAPPER.read_text(encoding="utf-8").replace("/etc/tocsin.env", f"{tmp_path}/env")
    moved = tmp_path / "tocsin"
    moved.write_text(text.replace("/srv/tocsin/.venv/bin/flask", f"{tmp_path}/flask"))
    environ = {"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": "/root"}
    command = ["/bin/sh", str(moved), "appeal", "import", "a case.pdf", "--slug", "$x 'y"]
    result = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    handed = ["--app", "/srv/tocsin/app.py", "appeal", "import", "a case.pdf", "--slug", "$x 'y", ""]
    assert result.stdout == "|".join(["/srv/tocsin", "Tocsin <act@example.org>", *handed])


@pytest.mark.slow
def test_the_database_is_in_utf8_without_a_locale_of_the_server(own_server: PostgresServer) -> None:
    """Create the database in UTF-8: Debian's is in SQL_ASCII where LANG was not set at installation."""
    lines = [unwrapped(words) for words in commands() if unwrapped(words)[0] in {"createuser", "createdb"}]
    assert [words[0] for words in lines] == ["createuser", "createdb"]
    url = own_server.get_uri()
    with psycopg.connect(url, autocommit=True) as admin:
        # A separate server, because other tests would copy the changed template.
        admin.execute("CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
        admin.execute("ALTER DATABASE template1 RENAME TO template_before")
        admin.execute("ALTER DATABASE ascii RENAME TO template1")
        for program, *arguments in lines:
            command = [str(programs() / program), "--maintenance-db", url, *arguments]
            if program == "createuser":  # this command accepts no URL
                host = url.partition("host=")[2]
                command = [str(programs() / program), "-h", host, "-U", "postgres", *arguments]
            subprocess.run(command, check=True, capture_output=True, text=True)
        asked = "SELECT pg_encoding_to_char(encoding), pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s"
        assert admin.execute(asked, ["tocsin"]).fetchone() == ("UTF8", "tocsin")
