"""docs/privacy.md says what the code does."""

from __future__ import annotations

from campaign.config import ROOT, SETTINGS
from campaign.domain import retention


def test_the_record_names_every_time_limit() -> None:
    said = (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8")
    rows = {line.split("|")[1].strip(): line for line in said.splitlines() if line.count("|") == 5}
    default = next(setting.default for setting in SETTINGS if setting.field == "retention_days")

    def row(begin: str) -> str:
        return next(line for what, line in rows.items() if begin in what)

    assert f"{retention.UNCONFIRMED.days} days" in row("not confirmed")
    assert f"({default})" in row("the same: confirmed")
    assert f"{retention.AFTER_OUTCOME.days} days" in row("who asked to hear")
    assert f"{retention.UPDATES_AT_MOST.days} days" in row("who asked to hear")
    assert f"{retention.WITHDRAWN.days} days" in row("taken back")
    assert f"{retention.NETWORKS.days} days" in row("the network")
    assert f"{retention.NETWORKS.days} days" in row("reported without a signature")
    assert f"{retention.DOMAINS.days} days" in row("from which somebody confirmed")
    assert f"{retention.HANDOVERS.days} days" in row("handed over: the names")
    assert f"{retention.MAILS.days} days" in row("in the outbox")
    assert f"{retention.LINK_REQUESTS.days} day" in row("get new links")
    assert f"{retention.SHEET_ROWS.days} day" in row("paper sheet")
    assert f"{retention.CRITERIA.days} days" in row("take out by")
    assert f"{retention.LOGINS.days} day" in row("log-ins under way")
    assert f"{retention.TOMBSTONES.days} days" in row("erased address")
    assert f"{retention.TOMBSTONES.days} days" in row("departures folder")
    assert f"{retention.REFUSED.days} days" in row("server refuses")
