"""A warmed-up process compiles no template for its first supporter, and one thread renders a page for all."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from jinja2 import Environment

from campaign.factory import create_app
from campaign.queries.appeals.appeal import AppealView
from campaign.web.caching.page_cache import PageCache
from campaign.web.caching.warm_up import warm_up
from campaign.web.http.admission import EXTENSION
from tests.conftest import settings_for


def test_a_warmed_up_process_compiles_and_reads_nothing_for_its_first_supporter(
    app: Flask, appeal: AppealView, monkeypatch: pytest.MonkeyPatch
) -> None:
    warm_up(app)
    monkeypatch.setattr(Environment, "compile", lambda *_args, **_more: pytest.fail("a template was not compiled"))
    monkeypatch.setattr(
        "campaign.web.caching.data_cache.find_appeal", lambda _slug: pytest.fail("the appeal was read again")
    )
    client = app.test_client()
    for path in (f"/en/appeals/{appeal.slug}", f"/api/v1/appeals/{appeal.slug}", "/en/", "/fr/", "/en/privacy"):
        assert client.get(path).status_code == 200


def test_a_process_starts_while_its_database_is_away(tmp_path: Path) -> None:
    warm_up(create_app(settings_for(f"postgresql://nobody@/nothing?host={tmp_path}", tmp_path)))


def test_one_thread_renders_a_page_and_the_others_wait(app: Flask) -> None:
    pages, rendered, begun, go_on = PageCache(), [], threading.Event(), threading.Event()

    def render() -> str:
        rendered.append(1)
        begun.set()
        assert go_on.wait(5)
        return "the page"

    def ask() -> None:
        with app.test_request_context("/en/about"):
            assert pages.answer("page", 1, render, content_type="text/plain").get_data() == b"the page"

    threads = [threading.Thread(target=ask) for _ in range(4)]
    threads[0].start()
    assert begun.wait(5)
    for thread in threads[1:]:
        thread.start()
    with app.test_request_context("/en/about"):
        assert pages.answer("other", 1, lambda: "another", content_type="text/plain").get_data() == b"another"
    go_on.set()
    for thread in threads:
        thread.join(5)
    assert rendered == [1]


def test_gunicorn_warms_up_its_workers_and_ignores_other_applications(
    app: Flask, appeal: AppealView, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, object] = {}
    exec(Path("gunicorn.conf.py").read_text(encoding="utf-8"), settings)  # noqa: S102  as gunicorn reads it
    ready = settings["post_worker_init"]
    assert callable(ready)
    ready(SimpleNamespace(age=1, wsgi=Flask("another"), cfg=SimpleNamespace(threads=7)))
    # Afterwards the tests' application must admit requests as before.
    monkeypatch.setattr(app.extensions[EXTENSION], "threads", None)
    ready(SimpleNamespace(age=1, wsgi=app, cfg=SimpleNamespace(threads=7)))
    assert app.extensions[EXTENSION].threads == 7
    monkeypatch.setattr(Environment, "compile", lambda *_args, **_more: pytest.fail("a template was not compiled"))
    assert app.test_client().get(f"/en/appeals/{appeal.slug}").status_code == 200
