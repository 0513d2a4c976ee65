"""The challenge during an attack: a proof of work computed by the browser or, without scripts, a waiting time.

Both are signed, valid for ten minutes, bound to one appeal, and usable once: `SolvedChallenge.digest` is stored. No
third party is involved, and nothing about the person is collected.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import altcha
from itsdangerous import BadSignature, URLSafeSerializer

from campaign.domain.errors import ChallengeError

LIFETIME = timedelta(minutes=10)
# The time that a person without scripts waits before the button works.
WAIT = timedelta(seconds=20)
# PBKDF2 rounds for each of 256 tries on average: about a second on a telephone, a millisecond here to check.
_ALGORITHM, _COST, _PREFIX = "PBKDF2/SHA-256", 4000, "00"
_LONGEST = 4000


@dataclass(frozen=True, slots=True)
class SolvedChallenge:
    """A valid proof: the digest to store so that it is accepted once, and the time until which it must be stored."""

    digest: bytes
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ChallengeDemand:
    """A human check that is due before a form is taken: a puzzle for scripts, a ticket and seconds for waiting."""

    puzzle: dict[str, Any]
    ticket: str
    wait: int


class ChallengeDemandError(ChallengeError):
    """The human check comes first; `demand` is the check to show."""

    def __init__(self, demand: ChallengeDemand) -> None:
        super().__init__("a proof of work is asked for", demand.wait)
        self.demand = demand


class Challenges:
    """The maker and checker of both kinds of challenges, with the secret keys."""

    def __init__(self, secret_keys: tuple[str, ...]) -> None:
        """Sign with the first key, and accept signatures of any key."""
        self._keys = [hmac.digest(key.encode(), b"tocsin challenge", "sha256") for key in secret_keys]
        self._waiting = URLSafeSerializer(
            list(reversed(secret_keys)),  # the library wants the oldest first
            salt="tocsin wait",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    def make(self, appeal: str, now: datetime) -> dict[str, Any]:
        """Return a proof-of-work puzzle for that appeal, in the form that the browser's script expects."""
        bound = {"appeal": appeal, "until": int((now + LIFETIME).timestamp())}
        made = altcha.create_challenge(_ALGORITHM, _COST, key_prefix=_PREFIX, data=bound, hmac_secret=self._keys[0])
        return dict(made.to_dict())

    def check(self, proof: str, appeal: str, now: datetime) -> SolvedChallenge:
        """Return the solved challenge. Raise ChallengeError unless it was made for that appeal and solved in time."""
        if len(proof) > _LONGEST:
            raise ChallengeError("the proof is too long")
        try:
            payload = altcha.Payload.from_dict(json.loads(proof))
            bound = payload.challenge.parameters.data or {}
            until = datetime.fromtimestamp(int(bound["until"]), UTC)
            # The cheap checks first: a foreign or unsigned puzzle is not worth the computation.
            is_ours = payload.challenge.parameters.algorithm == _ALGORITHM and bound["appeal"] == appeal
            is_solved = is_ours and any(altcha.verify_solution(payload, key).verified for key in self._keys)
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError) as error:
            raise ChallengeError("the proof is damaged") from error
        if not is_solved:
            raise ChallengeError("the proof is wrong")
        if now >= until:
            raise ChallengeError("the proof is too old")
        return SolvedChallenge(hashlib.sha256(bytes.fromhex(payload.challenge.parameters.nonce)).digest(), until)

    def make_waiting(self, appeal: str, network: str, now: datetime) -> str:
        """Return a ticket for that appeal and network (a keyed digest), which becomes valid after WAIT."""
        return str(self._waiting.dumps([appeal, secrets.token_hex(16), int(now.timestamp()), network]))

    def check_waiting(self, ticket: str, appeal: str, network: str, now: datetime) -> SolvedChallenge:
        """Return the solved challenge of a ticket whose holder has waited.

        The ticket must come from the network that it was issued to, so that one machine cannot collect tickets for many
        others.

        Raises:
            ChallengeError: The ticket is wrong or too old, or it is too early; then `wait` has the missing seconds.
        """
        try:
            bound, nonce, made, given_to = self._waiting.loads(ticket)
            since = datetime.fromtimestamp(made, UTC)
        except (BadSignature, ValueError, TypeError) as error:
            raise ChallengeError("the ticket is damaged") from error
        if bound != appeal or given_to != network or now >= since + LIFETIME:
            raise ChallengeError("the ticket is too old, for another appeal, or given to another network")
        missing = since + WAIT - now
        if missing > timedelta(0):
            raise ChallengeError("it is too early", wait=int(missing.total_seconds()) + 1)
        return SolvedChallenge(hashlib.sha256(nonce.encode()).digest(), since + LIFETIME)
