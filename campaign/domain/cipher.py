"""Encryption at rest and the keyed look-up of addresses.

A stolen database must not tell who signed: names and addresses are sealed with the data key, and found again only
through a keyed digest whose key is its own and stays when the data key rotates.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from campaign.domain.address import Address
from campaign.domain.errors import CipherError
from campaign.domain.funnel import OTHER_PROVIDERS, PROVIDERS
from campaign.domain.name import name_key

KEY_LENGTH = 32
_ID_LENGTH = 4
_NONCE_LENGTH = 12


def key_id(key: bytes) -> bytes:
    """Four bytes that name a data key without telling it."""
    return hashlib.sha256(b"tocsin data key " + key).digest()[:_ID_LENGTH]


class Cipher:
    """Seals text with the newest data key and opens what any of them sealed.

    Sealed form: key id (4 bytes), nonce (12), AES-256-GCM ciphertext with tag. The purpose is authenticated with it, so
    that a sealed name cannot be passed off as a sealed address.
    """

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        """`keys` are 32 bytes each, the newest first."""
        self._ciphers = {key_id(key): AESGCM(key) for key in keys}
        self._newest = key_id(keys[0])

    def seal(self, text: str, purpose: str) -> bytes:
        """The sealed text; another one each time, for the nonce is random (NIST SP 800-38D, 8.2.2)."""
        nonce = os.urandom(_NONCE_LENGTH)
        sealed = self._ciphers[self._newest].encrypt(nonce, text.encode(), purpose.encode())
        return self._newest + nonce + sealed

    @property
    def key_ids(self) -> frozenset[bytes]:
        """The ids of all keys that it opens with."""
        return frozenset(self._ciphers)

    @property
    def newest(self) -> bytes:
        """The id of the key that seals."""
        return self._newest

    def open(self, sealed: bytes, purpose: str) -> str:
        """The text. Raises CipherError where the key is gone or the data was changed."""
        cipher = self._ciphers.get(sealed[:_ID_LENGTH])
        if cipher is None:
            raise CipherError("sealed with a data key that is not among TOCSIN_DATA_KEY")
        nonce, data = sealed[_ID_LENGTH : _ID_LENGTH + _NONCE_LENGTH], sealed[_ID_LENGTH + _NONCE_LENGTH :]
        try:
            return cipher.decrypt(nonce, data, purpose.encode()).decode()
        except InvalidTag as error:
            raise CipherError("sealed data was changed, or belongs to another place") from error


class BlindIndex:
    """Keyed digests (HMAC-SHA-256) that find equal values without storing them."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def digest(self, purpose: str, value: str) -> bytes:
        """32 bytes, equal for equal purpose and value; worthless without the index key."""
        return hmac.digest(self._key, f"{purpose}\0{value}".encode(), "sha256")


class Vault:
    """Everything that reads or writes personal data at rest: the cipher and the blind index."""

    def __init__(self, data_keys: tuple[bytes, ...], index_key: bytes) -> None:
        self._cipher = Cipher(data_keys)
        self._index = BlindIndex(index_key)
        self._providers = {
            self._index.digest("domain", domain): name for name, domains in PROVIDERS.items() for domain in domains
        }

    @property
    def newest_key(self) -> bytes:
        """The id of the data key that seals now: the first four bytes of everything sealed with it."""
        return self._cipher.newest

    @property
    def key_ids(self) -> frozenset[bytes]:
        """The ids of all data keys at hand."""
        return self._cipher.key_ids

    @property
    def index_key_id(self) -> str:
        """What names the index key without telling it."""
        return self._index.digest("id", "")[:_ID_LENGTH].hex()

    def reseal(self, sealed: bytes, purpose: str) -> bytes:
        """The same text under the newest key. Raises CipherError."""
        return self._cipher.seal(self._cipher.open(sealed, purpose), purpose)

    def seal_name(self, name: str) -> bytes:
        """A supporter's name, sealed."""
        return self._cipher.seal(name, "name")

    def open_name(self, sealed: bytes) -> str:
        """The name again. Raises CipherError."""
        return self._cipher.open(sealed, "name")

    def seal_email(self, address: Address) -> bytes:
        """A supporter's address, sealed."""
        return self._cipher.seal(str(address), "email")

    def open_email(self, sealed: bytes) -> str:
        """The address again. Raises CipherError."""
        return self._cipher.open(sealed, "email")

    def seal_context(self, context: str) -> bytes:
        """What a mail to staff says, sealed."""
        return self._cipher.seal(context, "context")

    def open_context(self, sealed: bytes) -> str:
        """What it says again. Raises CipherError."""
        return self._cipher.open(sealed, "context")

    def seal_file(self, content: bytes) -> bytes:
        """A file to be handed over, sealed."""
        return self._cipher.seal(base64.b64encode(content).decode(), "handover")

    def open_file(self, sealed: bytes) -> bytes:
        """The file again. Raises CipherError."""
        return base64.b64decode(self._cipher.open(sealed, "handover"))

    def address_digest(self, address: Address) -> bytes:
        """Equal for two addresses exactly when they count as one person's."""
        return self._index.digest("address", address.identity)

    def mailbox_digest(self, address: Address) -> bytes:
        """Equal for all ways to write one mailbox; only limits mail."""
        return self._index.digest("mailbox", address.mailbox)

    def domain_digest(self, address: Address) -> bytes:
        """Equal for addresses under one mail domain, for fairness between them."""
        return self._index.digest("domain", address.domain)

    def name_digest(self, name: str) -> bytes:
        """Equal for two names that differ in capitals, accents and spaces only."""
        return self._index.digest("name", name_key(name))

    def sheet_digest(self, rows: str) -> bytes:
        """Equal for two paper sheets with the same rows."""
        return self._index.digest("sheet", rows)

    def provider(self, domain_digest: bytes | None) -> str:
        """The large provider of mailboxes whose domain that digest is of, or `other`."""
        return self._providers.get(domain_digest or b"", OTHER_PROVIDERS)

    def entry_digest(self, seal: bytes, content: bytes) -> bytes:
        """The digest of one entry of the audit log, over the seal of the one before it."""
        return self._index.digest("audit entry", f"{seal.hex()}{content.hex()}")

    def head_seal(self, number: int, digest: bytes) -> bytes:
        """What proves that the entry with that number and digest was the newest one."""
        return self._index.digest("audit head", f"{number}:{digest.hex()}")

    def unsealed_entry_digest(self, previous: bytes, content: bytes) -> bytes:
        """The digest of an entry written before there were seals, over the digest of the one before it."""
        return self._index.digest("audit", f"{previous.hex()}{content.hex()}")

    def departure_check(self, line: str) -> str:
        """What proves a line of a departures file: 16 hexadecimal digits."""
        return self._index.digest("departure", line)[:8].hex()

    def login_digest(self, key: str) -> bytes:
        """What failed log-ins are counted under; also of a session's secret, which only its cookie holds."""
        return self._index.digest("login", key)

    def derived_key(self, purpose: str) -> bytes:
        """32 bytes for a library that encrypts by itself; from the index key, which stays when the data key rotates."""
        return self._index.digest("derived key", purpose)

    def network_digest(self, network: str) -> bytes:
        """What is kept of where a request came from: tells networks apart, and not which they are."""
        return self._index.digest("network", network)
