"""digests differ by appeal and by use, and what is sealed opens in its own row alone

Everything sealed is sealed anew, and every digest derived anew, with the keys of the settings. A value that none of
the keys opens stays as it is. Going down cannot turn tombstones, suppressions and departures back: these match nothing
then.
"""

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from campaign.domain.signing.address import parse_address
from campaign.platform.runtime import runtime

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_BATCH = 1000


def upgrade() -> None:
    op.add_column("signature", sa.Column("is_repeat", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute(
        "UPDATE signature SET is_repeat = true WHERE state = 'confirmed' AND EXISTS (SELECT 1 FROM tombstone WHERE "
        "tombstone.appeal_id = signature.appeal_id AND tombstone.address_digest = signature.address_digest)"
    )
    _reseal(_old_open, _new_seal)
    op.add_column("signature", sa.Column("link_key", sa.LargeBinary(length=16), nullable=True))
    for row in _rows("signature", "appeal_id", "address_digest", "name_sealed", "email_sealed"):
        if row.address_digest is None:
            continue
        digest, link_key = _under_appeal(row.appeal_id, row.address_digest) or b"", secrets.token_bytes(16)
        values = _person(row, _old_open, _new_seal, "signature", (), (str(row.appeal_id), digest.hex(), link_key.hex()))
        _write("signature", row.id, address_digest=digest, link_key=link_key, **values)
    for row in _rows("sheet_row", "entry_id", "address_digest", "name_sealed", "email_sealed"):
        digest = _under_appeal(_appeal_of_entry(row.entry_id), row.address_digest)
        place = (str(row.entry_id), (digest or b"").hex())
        _write("sheet_row", row.id, address_digest=digest, **_person(row, _old_open, _new_seal, "sheet_row", (), place))
    for row in _rows("departure", "appeal_id", "address_digest"):
        digest = _under_appeal(row.appeal_id, row.address_digest) or b""
        _write("departure", row.id, address_digest=_digest("left", digest.hex()))
    _derive("tombstone", lambda row: _digest("tombstone", (_under_appeal(row[0], row[1]) or b"").hex()), "appeal_id")
    _derive("suppression", lambda row: _digest("suppression", bytes(row[0]).hex()))


def downgrade() -> None:
    _reseal(_new_open, _old_seal)
    for table, facts in (
        ("signature", ("appeal_id", "address_digest", "link_key")),
        ("sheet_row", ("entry_id", "address_digest")),
    ):
        for row in _rows(table, *facts, "name_sealed", "email_sealed"):
            place = (str(row[1]), *(bytes(getattr(row, name) or b"").hex() for name in facts[1:]))
            email = _new_open(row.email_sealed, table, place, "email")
            values: dict[str, Any] = _person(row, _new_open, _old_seal, table, place, ())
            if email is not None:
                values["address_digest"] = _digest("address", parse_address(email.decode()).identity)
            _write(table, row.id, **values)
    # Which the version before asks for.
    op.execute(
        "INSERT INTO tombstone (appeal_id, address_digest, erased_at) "
        "SELECT appeal_id, address_digest, signed_at FROM signature WHERE is_repeat"
    )
    op.drop_column("signature", "link_key")
    op.drop_column("signature", "is_repeat")


def _reseal(opened: Any, sealed: Any) -> None:
    """The tables whose values are bound to nothing that changes here."""
    for table, columns, facts in (
        ("mail", {"recipient_sealed": "email", "context_sealed": "context"}, ("message_id",)),
        ("link_request", {"email_sealed": "email"}, ()),
        ("invalidation", {"criteria_sealed": "context"}, ("section_code", "staff_id")),
        ("handover_part", {"content_sealed": "handover"}, ("handover_id", "name")),
    ):
        for row in _rows(table, *facts, *columns):
            place = tuple(str(getattr(row, name)) for name in facts)
            values = {}
            for column, purpose in columns.items():
                text = opened(getattr(row, column), table, place, purpose)
                if text is not None:
                    values[column] = sealed(text, table, place, purpose)
            _write(table, row.id, **values)


def _person(
    row: Any, opened: Any, sealed: Any, table: str, before: tuple[str, ...], after: tuple[str, ...]
) -> dict[str, Any]:
    values = {}
    for column, purpose in (("name_sealed", "name"), ("email_sealed", "email")):
        text = opened(getattr(row, column), table, before, purpose)
        if text is not None:
            values[column] = sealed(text, table, after, purpose)
    return values


def _rows(table: str, *columns: str) -> Iterator[Any]:
    place = sa.table(table, sa.column("id"), *(sa.column(name) for name in columns))
    last = 0
    while True:
        chosen = sa.select(place).where(place.c.id > last).order_by(place.c.id).limit(_BATCH)
        rows = op.get_bind().execute(chosen).all()
        yield from rows
        if len(rows) < _BATCH:
            return
        last = rows[-1].id


def _write(table: str, number: int, **values: Any) -> None:
    if values:
        place = sa.table(table, sa.column("id"), *(sa.column(name) for name in values))
        op.get_bind().execute(sa.update(place).where(place.c.id == number).values(**values))


def _derive(table: str, derived: Callable[[Any], bytes], *keys: str) -> None:
    place = sa.table(table, *(sa.column(name) for name in (*keys, "address_digest")))
    bind = op.get_bind()
    for row in bind.execute(sa.select(place)).all():
        same = [column == value for column, value in zip(place.c, row, strict=True)]
        bind.execute(sa.update(place).where(*same).values(address_digest=derived(row)))


def _appeal_of_entry(entry_id: int) -> int:
    entry = sa.table("entry", sa.column("id"), sa.column("appeal_id"))
    return int(op.get_bind().execute(sa.select(entry.c.appeal_id).where(entry.c.id == entry_id)).scalar_one())


def _digest(purpose: str, value: str) -> bytes:
    return hmac.digest(runtime().settings.index_key, f"{purpose}\0{value}".encode(), "sha256")


def _under_appeal(appeal_id: int, person: bytes | None) -> bytes | None:
    return None if person is None else _digest(f"address under appeal {appeal_id}", bytes(person).hex())


def _key_id(key: bytes, form: bytes) -> bytes:
    return hashlib.sha256(form + key).digest()[:4]


_OLD, _NEW = b"tocsin data key ", b"tocsin data key 2 "


def _aad(table: str, column: str, facts: tuple[str, ...]) -> bytes:
    return b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in (table, column, *facts))


def _opened(sealed: Any, form: bytes, skip: int, aad: bytes) -> bytes | None:
    data = bytes(sealed or b"")
    for key in runtime().settings.data_key:
        if data[:4] == _key_id(key, form):
            try:
                return AESGCM(key).decrypt(data[skip : skip + 12], data[skip + 12 :], aad)
            except (InvalidTag, ValueError):
                return None
    return None


def _old_open(sealed: Any, _table: str, _facts: tuple[str, ...], purpose: str) -> bytes | None:
    text = _opened(sealed, _OLD, 4, purpose.encode())
    return base64.b64decode(text) if text is not None and purpose == "handover" else text


def _new_open(sealed: Any, table: str, facts: tuple[str, ...], purpose: str) -> bytes | None:
    padded = _opened(sealed, _NEW, 5, _aad(table, purpose, facts))
    return None if padded is None else padded[4 : 4 + int.from_bytes(padded[:4], "big")]


def _old_seal(text: bytes, _table: str, _facts: tuple[str, ...], purpose: str) -> bytes:
    key, nonce = runtime().settings.data_key[0], os.urandom(12)
    data = base64.b64encode(text) if purpose == "handover" else text
    return _key_id(key, _OLD) + nonce + AESGCM(key).encrypt(nonce, data, purpose.encode())


def _new_seal(text: bytes, table: str, facts: tuple[str, ...], purpose: str) -> bytes:
    key, nonce = runtime().settings.data_key[0], os.urandom(12)
    length = 4 + len(text)
    grain = min(65536, max(128, 1 << (length - 1).bit_length()))
    padded = len(text).to_bytes(4, "big") + text + bytes(-length % grain)
    return _key_id(key, _NEW) + b"\x01" + nonce + AESGCM(key).encrypt(nonce, padded, _aad(table, purpose, facts))
