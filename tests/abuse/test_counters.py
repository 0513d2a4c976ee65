"""Counting against several limits at once: same results as the limits library, and one round trip on Redis."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_limiter import Limiter
from limits import parse
from limits.storage import RedisStorage
from redis.connection import AbstractConnection

from campaign.models import AbuseAlert
from campaign.platform.limits.counters import count
from campaign.platform.network import client_network
from campaign.queries.appeals.appeal import AppealView
from campaign.services.abuse import counters as abuse_limits
from campaign.services.abuse import limits as guard
from tests.abuse.proof import URL
from tests.conftest import count_rows, form

MINUTE, HOUR = parse("3 per minute"), parse("5 per hour")


@pytest.fixture
def redis_limiter(redis_url: str) -> Limiter:
    """Return a limiter on Redis."""
    limiter = Limiter(key_func=client_network, storage_uri=redis_url)
    limiter.init_app(Flask("on redis"))
    return limiter


@pytest.fixture
def memory_limiter() -> Limiter:
    limiter = Limiter(key_func=client_network, storage_uri="memory://")
    limiter.init_app(Flask("in memory"))
    return limiter


@pytest.mark.slow
@pytest.mark.parametrize("limiter_fixture", ["redis_limiter", "memory_limiter"])
def test_each_limit_counts_as_if_it_were_the_only_one(limiter_fixture: str, request: pytest.FixtureRequest) -> None:
    limiter: Limiter = request.getfixturevalue(limiter_fixture)
    both = [(MINUTE, ("flood", "domain", "a")), (HOUR, ("flood", "domain", "a"))]
    assert count(limiter, both, ["attack/domain/a"]) == ([True, True], [False])
    limiter.storage.incr("attack/domain/a", 600)
    # The library and this counter continue each other's counts.
    assert limiter.limiter.hit(MINUTE, "flood", "domain", "a")
    assert count(limiter, [*both, (MINUTE, ("flood", "domain", "b"))], ["attack/all/", "attack/domain/a"]) == (
        [True, True, True],
        [False, True],
    )
    assert count(limiter, both, []) == ([False, True], [])
    assert not limiter.limiter.test(MINUTE, "flood", "domain", "a")
    assert count(limiter, both[1:], []) == ([True], [])
    assert count(limiter, both[1:], []) == ([True], [])
    assert count(limiter, both[1:], []) == ([False], [])


@pytest.mark.slow
def test_on_redis_all_limits_take_one_round_trip_and_each_window_ends(
    redis_limiter: Limiter, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[object] = []
    send: Any = AbstractConnection.send_packed_command

    def record_command(self: AbstractConnection, command: Any, *rest: Any, **more: Any) -> None:
        sent.append(command)
        send(self, command, *rest, **more)

    redis_limiter.storage.check()  # connected
    monkeypatch.setattr(AbstractConnection, "send_packed_command", record_command)
    counters = [(item, ("flood", kind, "a")) for kind in ("domain", "appeal", "all") for item in (MINUTE, HOUR)]
    count(redis_limiter, counters, ["attack/domain/a", "attack/appeal/a", "attack/all/"])
    assert len(sent) == 1
    assert isinstance(redis_limiter.storage, RedisStorage)
    keys = [redis_limiter.storage.prefixed_key(item.key_for(*key)) for item, key in counters]
    lives = [redis_limiter.storage.get_connection().ttl(key) for key in keys]
    assert all(0 < life <= item.get_expiry() for life, (item, _) in zip(lives, counters, strict=True))


@pytest.mark.slow
def test_a_crowd_turns_the_check_on_where_redis_counts(
    client: FlaskClient,
    appeal: AppealView,
    set_challenge_mode: Any,
    redis_limiter: Limiter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guard, "limiter", redis_limiter)
    monkeypatch.setattr(abuse_limits, "limiter", redis_limiter)
    monkeypatch.setitem(guard._SOFT, "appeal", (parse("5 per minute"), parse("100 per hour")))
    answers = [client.post(URL, data=form(email=f"p{number}@d{number}.example")).status_code for number in range(7)]
    assert answers == [303] * 5 + [422] * 2
    assert count_rows(AbuseAlert) == 1
    # The check stays on for some time after the crowd, and it refuses no sign-up while Redis is away.
    monkeypatch.setitem(guard._SOFT, "appeal", (parse("500 per minute"), parse("1000 per hour")))
    assert client.post(URL, data=form(email="p@later.example")).status_code == 422
    assert isinstance(redis_limiter.storage, RedisStorage)
    redis_limiter.storage.storage.shutdown(nosave=True)
    assert client.post(URL, data=form(email="p@last.example")).status_code == 303
