"""Encryption at rest and the keyed look-up of addresses.

A stolen database must not reveal who signed. Names and addresses are encrypted ("sealed") with the data key, and are
found only by a keyed digest, whose index key is separate and stays when the data key rotates.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Callable, Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from campaign.domain.counting.funnel import OTHER_PROVIDERS
from campaign.domain.errors import CipherError
from campaign.domain.privacy.row_key import KeySlot, KeyTree, RowKeys
from campaign.domain.privacy.sealed_place import SealedPlace, at_month_key, at_row_key
from campaign.domain.signing.address import Address
from campaign.domain.signing.mail_domain import owner_domain
from campaign.domain.signing.provider import PROVIDERS

# How many superseded sign-ups of one address for one appeal can be found, within their thirty days, and erased.
SUPERSEDED_DIGESTS = 256
_ID_LENGTH = 4
_NONCE_LENGTH = 12
# The formats of the value after the key's id: encrypted with the data key itself, or with a row's key under it.
_PLAIN, _BY_ROW = b"\x01", b"\x02"
_FORM_LENGTH = 1
_BATCH_LENGTH, _NUMBER_LENGTH = 8, 2
# The length of the start of a sealed value that identifies the row's key.
SLOT_LENGTH = _ID_LENGTH + _FORM_LENGTH + _BATCH_LENGTH + _NUMBER_LENGTH
# Padded sizes in bytes: powers of two from the smallest on, then multiples of the largest.
_SMALLEST, _LARGEST = 128, 65536
_SIZE_LENGTH = 4


def key_id(key: bytes) -> bytes:
    """Return four bytes that identify a data key without revealing it."""
    return hashlib.sha256(b"tocsin data key 2 " + key).digest()[:_ID_LENGTH]


def _padded(data: bytes) -> bytes:
    """Return the length and the data, padded with zeros, so that the sealed length reveals only a size class."""
    length = _SIZE_LENGTH + len(data)
    grain = min(_LARGEST, max(_SMALLEST, 1 << (length - 1).bit_length()))
    return len(data).to_bytes(_SIZE_LENGTH, "big") + data + bytes(-length % grain)


def _unpadded(padded: bytes) -> bytes:
    return padded[_SIZE_LENGTH : _SIZE_LENGTH + int.from_bytes(padded[:_SIZE_LENGTH], "big")]


class Cipher:
    """The cipher: it encrypts with the newest data key, and decrypts with any of them.

    Sealed form: key id (4 bytes), format (1), batch and number of the row's key (10, if it has one), nonce (12),
    AES-256-GCM ciphertext of the padded data with tag. The place is authenticated too, so that a sealed name cannot be
    passed off as an address, or as another person's name.
    """

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        """Create the cipher; `keys` are 32 bytes each, the newest first."""
        self._keys = {key_id(key): key for key in keys}
        self._ciphers = {key_id(key): AESGCM(key) for key in keys}
        self._newest = key_id(keys[0])

    def seal(self, data: bytes, place: SealedPlace, column: str, slot: KeySlot | None = None) -> bytes:
        """Return the sealed data; it differs each time, because the nonce is random (NIST SP 800-38D, 8.2.2)."""
        nonce = os.urandom(_NONCE_LENGTH)
        head = _PLAIN if slot is None else _BY_ROW + _packed(slot)
        sealed = self._cipher(self._newest, slot).encrypt(nonce, _padded(data), place.column(column))
        return self._newest + head + nonce + sealed

    @property
    def key_ids(self) -> frozenset[bytes]:
        """Return the ids of all keys that can decrypt."""
        return frozenset(self._ciphers)

    @property
    def newest(self) -> bytes:
        """Return the id of the key that encrypts."""
        return self._newest

    def open(self, sealed: bytes, place: SealedPlace, column: str, slot: KeySlot | None = None) -> bytes:
        """Return the data. Raises CipherError if the key is missing, or the value was changed or moved."""
        used_key_id = sealed[:_ID_LENGTH]
        if used_key_id not in self._ciphers:
            raise CipherError("sealed with a data key that is not among TOCSIN_DATA_KEY")
        start = _ID_LENGTH + _FORM_LENGTH + (0 if slot is None else _BATCH_LENGTH + _NUMBER_LENGTH)
        if sealed[_ID_LENGTH : _ID_LENGTH + _FORM_LENGTH] != (_PLAIN if slot is None else _BY_ROW):
            raise CipherError("sealed in a form that this version does not know")
        nonce, data = sealed[start : start + _NONCE_LENGTH], sealed[start + _NONCE_LENGTH :]
        try:
            return _unpadded(self._cipher(used_key_id, slot).decrypt(nonce, data, place.column(column)))
        except (InvalidTag, ValueError) as error:
            raise CipherError("sealed data was changed, or belongs to another place") from error

    def _cipher(self, used_key_id: bytes, slot: KeySlot | None) -> AESGCM:
        """Return the cipher of a data key, combined with the row's key if there is one; then both are needed."""
        if slot is None:
            return self._ciphers[used_key_id]
        return AESGCM(hmac.digest(self._keys[used_key_id], b"row key" + slot.key, "sha256"))


def _packed(slot: KeySlot) -> bytes:
    return slot.batch.to_bytes(_BATCH_LENGTH, "big") + slot.number.to_bytes(_NUMBER_LENGTH, "big")


class BlindIndex:
    """Keyed digests (HMAC-SHA-256), which find equal values without storing them."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def digest(self, purpose: str, value: str) -> bytes:
        """Return 32 bytes, equal for equal purpose and value, that reveal nothing without the index key."""
        return hmac.digest(self._key, f"{purpose}\0{value}".encode(), "sha256")


class Vault:
    """The cipher and the blind index, through which all personal data at rest is read and written."""

    def __init__(
        self, data_keys: tuple[bytes, ...], index_key: bytes, seeds: Callable[[int], bytes | None] = lambda _batch: None
    ) -> None:
        """Create the vault; `seeds` returns the sealed seeds of a batch of rows' keys, or None."""
        self._seeds = seeds
        self._cipher = Cipher(data_keys)
        self.row_keys = RowKeys(self._tree)
        # The keys of months that were looked up; there are few, because old ones are deleted.
        self.month_keys: dict[int, bytes] = {}
        self._index = BlindIndex(index_key)
        self._limits = AESGCM(self._index.digest("derived key", "mailbox limits"))
        self._domain_histories = AESGCM(self._index.digest("derived key", "seen domains"))
        self._providers = {
            self._index.digest("domain", domain): name for name, domains in PROVIDERS.items() for domain in domains
        }

    @property
    def newest_key(self) -> bytes:
        """Return the id of the current data key: the first four bytes of everything sealed with it."""
        return self._cipher.newest

    @property
    def key_ids(self) -> frozenset[bytes]:
        """Return the ids of all data keys."""
        return self._cipher.key_ids

    @property
    def index_key_id(self) -> str:
        """Return a text that identifies the index key without revealing it."""
        return self._index.digest("id", "")[:_ID_LENGTH].hex()

    def reseal(self, sealed: bytes, place: SealedPlace, column: str) -> bytes:
        """Return the same value under the newest key. Raises CipherError."""
        slot = self.slot(sealed)
        return self._cipher.seal(self._cipher.open(sealed, place, column, slot), place, column, slot)

    def slot_of(self, sealed: bytes | None) -> tuple[int, int] | None:
        """Return the batch and number of the row's key that the value was sealed with; None without one."""
        head = _ID_LENGTH + _FORM_LENGTH
        if sealed is None or sealed[_ID_LENGTH:head] != _BY_ROW:
            return None
        batch, number = sealed[head : head + _BATCH_LENGTH], sealed[head + _BATCH_LENGTH :][:_NUMBER_LENGTH]
        return int.from_bytes(batch, "big"), int.from_bytes(number, "big")

    def slot(self, sealed: bytes | None) -> KeySlot | None:
        """Return the row's key that the value was sealed with, for another value of that row; None without one.

        Raises CipherError where the key was erased or is not in the database.
        """
        place = self.slot_of(sealed)
        return None if place is None else self.row_keys.slot(*place)

    def _tree(self, batch: int) -> KeyTree:
        sealed = self._seeds(batch)
        if sealed is None:
            raise CipherError("sealed with the key of a row that is not in the database")
        return self.open_seeds(sealed, at_row_key(batch))

    def _open(self, sealed: bytes, place: SealedPlace, column: str) -> bytes:
        return self._cipher.open(sealed, place, column, self.slot(sealed))

    def seal_origin(self, origin: str, place: SealedPlace, slot: KeySlot | None = None) -> bytes:
        """Return the origin of a sign-up (country and source), sealed."""
        return self._cipher.seal(origin.encode(), place, "origin", slot)

    def open_origin(self, sealed: bytes, place: SealedPlace) -> str:
        """Return the origin. Raises CipherError."""
        return self._open(sealed, place, "origin").decode()

    def seal_month_key(self, key: bytes, month: int) -> bytes:
        """Return the key of a month, sealed."""
        return self._cipher.seal(key, at_month_key(month), "month")

    def open_month_key(self, sealed: bytes, month: int) -> bytes:
        """Return the key. Raises CipherError."""
        return self._cipher.open(sealed, at_month_key(month), "month")

    def month_digest(self, digest: bytes | None, month_key: bytes, use: str) -> bytes | None:
        """Return the digest of a domain or network to store in a row; equal within one month and one use only."""
        return None if digest is None else hmac.digest(month_key, f"{use}\0".encode() + digest, "sha256")

    def finished_mail_digest(self, domain_digest: bytes, use: str) -> bytes:
        """Return the digest of the domain for the row of an ended mail. It cannot join a form with a signature."""
        return self._index.digest(f"mail of {use}", domain_digest.hex())

    def seal_seeds(self, tree: KeyTree, place: SealedPlace) -> bytes:
        """Return the remaining seeds of a batch of rows' keys, sealed."""
        return self._cipher.seal(tree.pack(), place, "seeds")

    def open_seeds(self, sealed: bytes, place: SealedPlace) -> KeyTree:
        """Return the seeds. Raises CipherError."""
        return KeyTree.unpack(self._cipher.open(sealed, place, "seeds"))

    def seal_name(self, name: str, place: SealedPlace, slot: KeySlot | None = None) -> bytes:
        """Return a supporter's name, sealed."""
        return self._cipher.seal(name.encode(), place, "name", slot)

    def open_name(self, sealed: bytes, place: SealedPlace) -> str:
        """Return the name. Raises CipherError, or ErasedKeyError after erasure."""
        return self._open(sealed, place, "name").decode()

    def seal_email(self, address: Address, place: SealedPlace, slot: KeySlot | None = None) -> bytes:
        """Return a supporter's address, sealed."""
        return self._cipher.seal(str(address).encode(), place, "email", slot)

    def open_email(self, sealed: bytes, place: SealedPlace) -> str:
        """Return the address. Raises CipherError, or ErasedKeyError after erasure."""
        return self._open(sealed, place, "email").decode()

    def seal_context(self, context: str, place: SealedPlace, slot: KeySlot | None = None) -> bytes:
        """Return the content of a mail (JSON), sealed."""
        return self._cipher.seal(context.encode(), place, "context", slot)

    def open_context(self, sealed: bytes, place: SealedPlace) -> str:
        """Return the content. Raises CipherError."""
        return self._open(sealed, place, "context").decode()

    def seal_totp(self, secret: str, place: SealedPlace) -> bytes:
        """Return the secret of an account's authenticator, sealed."""
        return self._cipher.seal(secret.encode(), place, "totp")

    def open_totp(self, sealed: bytes, place: SealedPlace) -> str:
        """Return the secret. Raises CipherError."""
        return self._open(sealed, place, "totp").decode()

    def seal_recovery(self, codes: list[str], place: SealedPlace) -> bytes:
        """Return an account's recovery codes, sealed."""
        return self._cipher.seal(json.dumps(codes).encode(), place, "recovery")

    def open_recovery(self, sealed: bytes, place: SealedPlace) -> list[str]:
        """Return the codes. Raises CipherError."""
        return [str(code) for code in json.loads(self._open(sealed, place, "recovery"))]

    def seal_file(self, content: bytes, place: SealedPlace, slot: KeySlot | None = None) -> bytes:
        """Return a file to be handed over, sealed."""
        return self._cipher.seal(content, place, "handover", slot)

    def open_file(self, sealed: bytes, place: SealedPlace) -> bytes:
        """Return the file. Raises CipherError."""
        return self._open(sealed, place, "handover")

    def address_digest(self, appeal_id: int, address: Address) -> bytes:
        """Return a digest that is equal for two addresses under one appeal if, and only if, they count as one person's.

        Under another appeal the same address has another digest, so a stolen table cannot be joined across appeals.
        """
        return self._under_appeal(appeal_id, self._person(address))

    def address_digests(self, appeal_ids: Iterable[int], address: Address) -> list[bytes]:
        """Return the digests of one address under each of the appeals, in their order."""
        person = self._person(address)
        return [self._under_appeal(appeal_id, person) for appeal_id in appeal_ids]

    def second_digest(self, address_digest: bytes) -> bytes:
        """Return the address digest for a second person's signature from the same mailbox."""
        return self._index.digest("second person", address_digest.hex())

    def waiting_digest(self, address_digest: bytes) -> bytes:
        """Return the address digest for a waiting sign-up, which cannot be joined with the signature's."""
        return self._index.digest("waiting", address_digest.hex())

    def superseded_digest(self, waiting_digest: bytes, number: int) -> bytes:
        """Return the digest that replaces a sign-up's once a newer one of its address is stored.

        `number` is random, below SUPERSEDED_DIGESTS, so that no two rows share a digest and only the key joins them.
        """
        return self._index.digest(f"aside {number}", waiting_digest.hex())

    def superseded_digests(self, address_digest: bytes) -> list[bytes]:
        """Return all digests that earlier sign-ups of an address for an appeal can have; takes about 200 µs."""
        waiting = self.waiting_digest(address_digest)
        return [self.superseded_digest(waiting, number) for number in range(SUPERSEDED_DIGESTS)]

    def sheet_row_digest(self, address_digest: bytes) -> bytes:
        """Return the address digest for a waiting row of a paper sheet; no other table has it."""
        return self._index.digest("sheet row", address_digest.hex())

    def suppression_digest(self, address: Address) -> bytes:
        """Return the digest of a suppressed address; no other table has it."""
        return self._index.digest("suppression", self._person(address).hex())

    def tombstone_digest(self, address_digest: bytes) -> bytes:
        """Return the digest for the tombstone of an erased signature; no other table has it."""
        return self._index.digest("tombstone", address_digest.hex())

    def journal_digest(self, address_digest: bytes) -> bytes:
        """Return the digest for the erasure journal; no signature has it."""
        return self._index.digest("left", address_digest.hex())

    def _person(self, address: Address) -> bytes:
        """Return a digest of the person's address. It is never stored; stored digests are derived from it."""
        return self._index.digest("address", address.identity)

    def _under_appeal(self, appeal_id: int, person: bytes) -> bytes:
        return self._index.digest(f"address under appeal {appeal_id}", person.hex())

    def content_digest(self, link_key: bytes, appeal_id: int, address: Address, *shown_values: str) -> bytes:
        """Return a digest of a sign-up's whole content. No two are equal, because the link key is random."""
        return self._index.digest("content", "\0".join([link_key.hex(), str(appeal_id), str(address), *shown_values]))

    def limit_digest(self, purpose: str, mailbox: str) -> bytes:
        """Return the digest that finds a mailbox's limit; no other table has it."""
        return self._index.digest(f"limit {purpose}", mailbox)

    def seal_limit(self, content: bytes, digest: bytes) -> bytes:
        """Return the content of the mailbox limit with that digest, sealed; 28 bytes longer than the content.

        The key is derived from the index key, because the row exists for weeks only and needs no key rotation.
        """
        nonce = os.urandom(_NONCE_LENGTH)
        return nonce + self._limits.encrypt(nonce, content, digest)

    def open_limit(self, sealed: bytes, digest: bytes) -> bytes:
        """Return the content. Raises CipherError."""
        try:
            return self._limits.decrypt(sealed[:_NONCE_LENGTH], sealed[_NONCE_LENGTH:], digest)
        except (InvalidTag, ValueError) as error:
            raise CipherError("a mailbox limit was changed, or belongs to another mailbox") from error

    def domain_digest(self, address: Address) -> bytes:
        """Return a digest of the mail domain, by which mail is scheduled."""
        return self._index.digest("domain", address.domain)

    def owner_digest(self, domain: str) -> bytes:
        """Return a digest that is equal for all mail domains (A-labels, lower case) of one owner, for flood alerts."""
        return self._index.digest("domain", owner_domain(domain))

    def domain_history_digest(self, domain: str) -> bytes:
        """Return the digest that finds the history of an owner's domain; no other table has it."""
        return self._index.digest("seen domain", domain)

    def seal_domain_history(self, content: bytes, digest: bytes) -> bytes:
        """Return the history of the domain with that digest, sealed; 28 bytes longer than the content.

        The key is derived from the index key, as in `seal_limit`.
        """
        nonce = os.urandom(_NONCE_LENGTH)
        return nonce + self._domain_histories.encrypt(nonce, content, digest)

    def open_domain_history(self, sealed: bytes, digest: bytes) -> bytes:
        """Return the content. Raises CipherError."""
        try:
            return self._domain_histories.decrypt(sealed[:_NONCE_LENGTH], sealed[_NONCE_LENGTH:], digest)
        except (InvalidTag, ValueError) as error:
            raise CipherError("the record of a mail domain was changed, or belongs to another domain") from error

    def sheet_digest(self, rows: str) -> bytes:
        """Return a digest that is equal for two paper sheets with the same rows."""
        return self._index.digest("sheet", rows)

    def provider(self, domain_digest: bytes | None) -> str:
        """Return the large mail provider whose domain has that digest, or `other`."""
        return self._providers.get(domain_digest or b"", OTHER_PROVIDERS)

    def entry_digest(self, seal: bytes, content: bytes) -> bytes:
        """Return the digest of an entry of the audit log, which covers the seal of the entry before it."""
        return self._index.digest("audit entry", f"{seal.hex()}{content.hex()}")

    def head_seal(self, number: int, digest: bytes) -> bytes:
        """Return the seal that proves the entry with that number and digest to be the newest."""
        return self._index.digest("audit head", f"{number}:{digest.hex()}")

    def journal_check(self, line: str) -> str:
        """Return the proof of a line of the erasure journal: 16 hexadecimal digits."""
        return self._index.digest("departure", line)[:8].hex()

    def login_digest(self, key: str) -> bytes:
        """Return the digest of a key that failed log-ins are counted for, or of a session's secret."""
        return self._index.digest("login", key)

    def derived_key(self, purpose: str) -> bytes:
        """Return a key of 32 bytes for a library that encrypts by itself.

        It is derived from the index key, which stays when the data key rotates.
        """
        return self._index.digest("derived key", purpose)

    def network_digest(self, network: str) -> bytes:
        """Return the digest of a network, which distinguishes networks without revealing them."""
        return self._index.digest("network", network)
