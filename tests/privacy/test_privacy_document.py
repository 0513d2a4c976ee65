"""Statements of docs/privacy.md, and of other documents about limits and links, against the code."""

from __future__ import annotations

import re

from campaign.config import ROOT, SETTINGS
from campaign.domain.outbox.mailbox_limit import DAILY_LIMITS
from campaign.domain.privacy import retention

DOCS = ROOT / "docs"
# Mails that ask to confirm first; they have no link to the recipient's data.
CONFIRMATION_MAILS = {"confirmation", "confirmation_reminder"}
# About a changed address: the recipient need not be the signer.
CHANGED = {"address"}


def test_the_record_names_every_time_limit() -> None:
    text = (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8")
    rows = {line.split("|")[1].strip(): line for line in text.splitlines() if line.count("|") == 5}
    default = next(setting.default for setting in SETTINGS if setting.field == "retention_days")

    def row(begin: str) -> str:
        return next(line for what, line in rows.items() if begin in what)

    assert f"{retention.UNCONFIRMED.days} days" in row("not confirmed")
    assert f"({default})" in row("the same: confirmed")
    assert f"{retention.AFTER_OUTCOME.days} days" in row("who asked for news")
    assert f"{retention.UPDATES_AT_MOST.days} days" in row("who asked for news")
    assert f"{retention.WITHDRAWN.days} days" in row("taken back")
    assert f"{retention.NETWORKS.days} days" in row("the network")
    assert f"{retention.NETWORKS.days} days" in row("reported without a signature")
    assert f"{retention.DOMAINS.days} days" in row("from which signatures were confirmed")
    assert f"{retention.HANDOVERS.days} days" in row("handed over: the names")
    assert f"{retention.MAILS.days} days" in row("in the outbox")
    # The table has months only: a row is deleted LIMITS after the end of the month of its last change.
    assert retention.LIMITS.days == 31
    assert "two months" in row("mailboxes that were written to")
    assert f"{retention.LINK_REQUESTS.days} day" in row("get new links")
    assert f"{retention.SHEET_ROWS.days} day" in row("paper sheet")
    assert f"{retention.CRITERIA.days} days" in row("chose an invalidation by")
    assert f"{retention.LOGINS.days} day" in row("current log-ins")
    assert f"{retention.TOMBSTONES.days} days" in row("erased address")
    assert f"{retention.TOMBSTONES.days} days" in row("erasure journal")
    assert f"{retention.REFUSED.days} days" in row("server refuses")


def table_of(name: str) -> dict[str, str]:
    """Return the rows of a document's tables by the content of their first column."""
    lines = (DOCS / name).read_text(encoding="utf-8").splitlines()
    return {line.split("|")[1].strip(): line for line in lines if line.startswith("| ")}


def test_the_documents_state_the_mailbox_limit() -> None:
    floods = table_of("security.md")
    assert f"| {DAILY_LIMITS.unproven} mails a day" in floods["one mailbox that has proven nothing"]
    assert f"| {DAILY_LIMITS.proven} mails a day" in floods["one address within a day of its confirming something"]
    assert f"| {DAILY_LIMITS.requested_links} mails a day" in floods["one mailbox, new links asked for"]
    risk = table_of("privacy.md")["a person signs in another's name"]
    assert f"at most {DAILY_LIMITS.unproven} a day, and {DAILY_LIMITS.requested_links} a day with new links" in risk
    mail = " ".join((DOCS / "mail.md").read_text(encoding="utf-8").split())
    assert f"gets at most {DAILY_LIMITS.unproven} mails that answer a form in 24 hours" in mail
    assert f"and {DAILY_LIMITS.requested_links} more with requested links" in mail
    assert f"has confirmed something within a day gets at most {DAILY_LIMITS.proven}." in mail
    messages = " ".join((DOCS / "messages.md").read_text(encoding="utf-8").split())
    assert "anybody can cause `confirmation`, `confirmation_reminder` and `already_signed`" in messages
    assert f"has confirmed nothing gets at most {DAILY_LIMITS.unproven} of these in 24 hours" in messages
    assert (
        f"and {DAILY_LIMITS.requested_links} of `new_link`. An address gets at most {DAILY_LIMITS.proven} within a day"
        in messages
    )


def test_no_document_states_a_monthly_limit_of_mail() -> None:
    by_month = re.compile(r"\b\d+ (?:mails )?(?:a month|in 30 days)\b")
    limits_by_document = {path.name: by_month.findall(path.read_text(encoding="utf-8")) for path in DOCS.rglob("*.md")}
    assert {name: found for name, found in limits_by_document.items() if found} == {}


def test_the_documents_name_the_mails_that_link_to_own_data() -> None:
    folder = ROOT / "templates" / "mail"
    rows = [re.findall("`([a-z_]+)`", what) for what in table_of("messages.md")]
    names = {name for row in rows for name in row if not name.startswith("staff_")}
    texts = {name: (folder / f"{name}.txt").read_text(encoding="utf-8") for name in names}
    assert {name for name, text in texts.items() if "links.me" not in text} == CONFIRMATION_MAILS | CHANGED
    assert all("links.confirm" in texts[name] for name in CONFIRMATION_MAILS)
    said = " ".join((DOCS / "messages.md").read_text(encoding="utf-8").split())
    listed = ", ".join(f"`{name}`" for name in sorted(CONFIRMATION_MAILS))
    assert f"The mails that ask to confirm ({listed}) have only the link to the page that confirms" in said
    assert "The mails about a changed address (`address`) have no link to anybody's data" in said
    right = table_of("privacy.md")["to see and to take away (art. 15, 20)"]
    assert "the link in every mail to a signer" in right
    assert "the mails that ask to confirm hold no such link" in right
