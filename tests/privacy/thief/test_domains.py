"""A thief has the tables and no key, and mailboxes at rare domains, and asks: did anyone else there confirm?

A month later, when the digests of the signatures are deleted, the thief confirms a different number of own signatures
from each domain, to recognise its row.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from campaign.domain.privacy.cipher import Vault
from campaign.models import Signature
from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.moderation.domain_history import domain_histories
from campaign.services.moderation.watch_domains import watch_domains
from campaign.services.privacy.retention import purge_expired
from tests.conftest import Clock, confirm_newest, context
from tests.privacy.thief.stolen_tables import Person, all_rows, send_form

pytestmark = pytest.mark.slow

DOMAINS, SIGNED = 8, {0, 3, 4, 7}


def watch_all(clock: Clock, vault: Vault) -> None:
    at = clock.now + timedelta(minutes=1)
    while watch_domains(context=context(at, vault=vault)):
        pass


def visible_without_key(row: dict[str, Any]) -> tuple[Any, ...]:
    """Return what a row shows without a key: only the length of sealed values and of digests."""
    return tuple(len(value) if isinstance(value, bytes) else value for value in row.values())


def test_the_row_of_a_domain_does_not_reveal_other_signers(
    app: Flask, appeal: AppealView, deliver: Any, clock: Clock
) -> None:
    vault = runtime().vault
    for number in SIGNED:
        send_form(appeal, Person(number).name, f"anna@small{number}.example", clock)
        confirm_newest(clock.now)
    watch_all(clock, vault)
    deliver()
    clock.now += timedelta(days=35)
    purge_expired(may_continue=lambda: True, context=context(clock.now, vault=vault))
    assert db.session.scalar(select(func.count(Signature.domain_digest))) == 0
    db.session.rollback()
    for number in range(DOMAINS):
        for mark in range(2 * (number + 1)):
            send_form(appeal, Person(500).name, f"thief+{mark}@small{number}.example", clock, is_thief=True)
            confirm_newest(clock.now)
    watch_all(clock, vault)
    rows = [row for (table, _), row in all_rows().items() if table == "mail_domain"]
    shown: defaultdict[tuple[Any, ...], int] = defaultdict(int)
    for row in rows:
        shown[visible_without_key(row)] += 1
    assert list(shown.values()) == [DOMAINS]
    # With the keys, each row reveals it.
    seen = domain_histories(db.session, [f"small{number}.example" for number in range(DOMAINS)], vault)
    assert {number for number in range(DOMAINS) if seen[f"small{number}.example"].earlier_total} == SIGNED
