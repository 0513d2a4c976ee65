"""Fixtures that several abuse tests share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from campaign.platform.runtime import RUNTIME_KEY
from campaign.services.abuse import limits as guard


@pytest.fixture
def set_challenge_mode(app: Flask) -> Iterator[Any]:
    """Yield a function that sets the mode of the proof of work."""

    def set_mode(mode: str) -> None:
        app_runtime = app.extensions[RUNTIME_KEY]
        app.extensions[RUNTIME_KEY] = replace(app_runtime, settings=replace(app_runtime.settings, challenge=mode))

    before = app.extensions[RUNTIME_KEY]
    app.extensions[guard.EXTENSION] = guard.AbuseLimits()
    yield set_mode
    app.extensions[RUNTIME_KEY] = before
    app.extensions[guard.EXTENSION] = guard.AbuseLimits()
