"""Addresses of the letter's pages, and readers of their parts."""

from __future__ import annotations

import html
import io
import re
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import segno
from flask import Flask
from sqlalchemy import func, select

from campaign.models import Signature, Target
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from tests.conftest import clear_caches, manage_token

ACT_PAGE = "/en/appeals/ana-ruiz-vega/act"

PDF = "/en/appeals/ana-ruiz-vega/letter.pdf"

OWN_LETTER_PAGE = "/en/appeals/ana-ruiz-vega/words"

FRENCH = (Path(__file__).parent / "ana-ruiz-vega.fr.md").read_text(encoding="utf-8")
OWN_LETTER = "Señor ministro:\r\n\r\nSoy maestra. <b>Proteja</b> a Ana & su escuela.\r\n\r\nAna Otra"


def act_page_mailed_at(now: datetime) -> str:
    """Return the act page of the signer, by a link mailed at that time, which is valid for 31 days."""
    return f"/en/m/{manage_token(db.session.scalars(select(Signature.id)).one(), now=now)}/act"


def mail_links(page: str) -> list[str]:
    return [html.unescape(found) for found in re.findall(r'href="([^"]+)"', page)]


def decode_picture(address: str) -> bytes:
    picture = io.BytesIO()
    code = segno.make_qr(address, error="m")
    code.save(picture, kind="svg", border=3, dark="#000", light="#fff", omitsize=True)
    return picture.getvalue()


def mail_body(page: str) -> str:
    """Return the body of the page's first mail link."""
    url = next(link for link in mail_links(page) if link.startswith("mailto:"))
    return unquote(url.partition("body=")[2]).replace("\r\n", "\n")


def channel_section(page: str, channel: str) -> str:
    """Return the part of the page for that channel, or an empty string."""
    match = re.search(rf'<li id="{channel}".*?</li>', page, re.DOTALL)
    return match[0] if match else ""


def change_target(app: Flask, position: int, *, is_posted: bool = True, **values: Any) -> None:
    """Change a target's columns; a target that takes no post loses its postal address."""
    with transaction() as session:
        target = session.scalars(select(Target).where(Target.position == position)).one()
        for name, value in values.items():
            setattr(target, name, value)
        if not is_posted:
            target.words = {code: {**words, "address": []} for code, words in target.words.items()}
    clear_caches(app)


def count_all_rows() -> list[int]:
    db.session.rollback()
    tables = db.metadata.sorted_tables
    return [db.session.execute(select(func.count()).select_from(table)).scalar_one() for table in tables]
