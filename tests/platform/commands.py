"""The flask commands as tests run them."""

from __future__ import annotations

from click.testing import Result
from flask import Flask


def run_command(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=list(arguments))
