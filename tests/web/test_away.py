"""A database that is away: 503 with Retry-After, and never a trace."""

from __future__ import annotations

from pathlib import Path

from campaign.factory import create_app
from tests.conftest import settings_for


def test_without_a_database_every_page_says_when_to_come_back(tmp_path: Path) -> None:
    app = create_app(settings_for(f"postgresql://nobody@/nothing?host={tmp_path}", tmp_path))
    client = app.test_client()
    for path in ("/fr/", "/fr/appeals/x", "/api/v1/appeals"):
        answer = client.get(path)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "5"
    assert client.post("/fr/appeals/x/sign").status_code == 503
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503
