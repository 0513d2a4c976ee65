"""The challenge during an attack: a proof of work that the browser computes or, without scripts, a waiting time.

Both are signed, valid for ten minutes, and bound to one appeal. Each can be used once, because
`SolvedChallenge.digest` is stored. No third party is involved, and nothing about the person is collected.
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
# The PBKDF2 rounds of one try. Finding the prefix takes 256 tries on average: about a second on a telephone. Checking
# takes one try: a millisecond on a server.
_ALGORITHM, _COST, _PREFIX = "PBKDF2/SHA-256", 4000, "00"
_LONGEST = 4000


@dataclass(frozen=True, slots=True)
class SolvedChallenge:
    """A valid proof: the digest to store, so that the proof is accepted once, and the time until which to store it."""

    digest: bytes
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ChallengeDemand:
    """A human check that a form requires: a puzzle for scripts, or a ticket and the seconds to wait."""

    puzzle: dict[str, Any]
    ticket: str
    wait: int


class ChallengeDemandError(ChallengeError):
    """The form requires the human check `demand`."""

    def __init__(self, demand: ChallengeDemand) -> None:
        super().__init__("a proof of work is asked for", demand.wait)
        self.demand = demand


class Challenges:
    """The maker and checker of both kinds of challenges, with the secret keys."""

    def __init__(self, secret_keys: tuple[str, ...]) -> None:
        """Sign with the first key, and accept signatures of any key."""
        self._keys = [hmac.digest(key.encode(), b"tocsin challenge", "sha256") for key in secret_keys]
        self._ticket_serializer = URLSafeSerializer(
            list(reversed(secret_keys)),  # the library wants the oldest first
            salt="tocsin wait",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    def make_puzzle(self, appeal: str, now: datetime) -> dict[str, Any]:
        """Return a proof-of-work puzzle for that appeal, in the form that the browser's script expects."""
        bound_data = {"appeal": appeal, "until": int((now + LIFETIME).timestamp())}
        puzzle = altcha.create_challenge(
            _ALGORITHM, _COST, key_prefix=_PREFIX, data=bound_data, hmac_secret=self._keys[0]
        )
        return dict(puzzle.to_dict())

    def check_proof(self, proof: str, appeal: str, now: datetime) -> SolvedChallenge:
        """Return the solved challenge. Raises ChallengeError unless it was made for that appeal and solved in time."""
        if len(proof) > _LONGEST:
            raise ChallengeError("the proof is too long")
        try:
            payload = altcha.Payload.from_dict(json.loads(proof))
            bound_data = payload.challenge.parameters.data or {}
            expires_at = datetime.fromtimestamp(int(bound_data["until"]), UTC)
            # The cheap checks come first, to save the computation for a puzzle of another site or appeal.
            is_for_appeal = payload.challenge.parameters.algorithm == _ALGORITHM and bound_data["appeal"] == appeal
            is_solved = is_for_appeal and any(altcha.verify_solution(payload, key).verified for key in self._keys)
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError) as error:
            raise ChallengeError("the proof is damaged") from error
        if not is_solved:
            raise ChallengeError("the proof is wrong")
        if now >= expires_at:
            raise ChallengeError("the proof is too old")
        return SolvedChallenge(hashlib.sha256(bytes.fromhex(payload.challenge.parameters.nonce)).digest(), expires_at)

    def make_ticket(self, appeal: str, network: str, now: datetime) -> str:
        """Return a ticket for that appeal and network (a keyed digest), which becomes valid after WAIT."""
        return str(self._ticket_serializer.dumps([appeal, secrets.token_hex(16), int(now.timestamp()), network]))

    def check_ticket(self, ticket: str, appeal: str, network: str, now: datetime) -> SolvedChallenge:
        """Return the solved challenge of a ticket whose holder has waited.

        The ticket must come from the network that it was issued to, so that one machine cannot collect tickets for many
        others.

        Raises:
            ChallengeError: The ticket is wrong or too old. Or it is too early; then `wait` has the remaining seconds.
        """
        try:
            ticket_appeal, nonce, timestamp, ticket_network = self._ticket_serializer.loads(ticket)
            issued_at = datetime.fromtimestamp(timestamp, UTC)
        except (BadSignature, ValueError, TypeError) as error:
            raise ChallengeError("the ticket is damaged") from error
        if ticket_appeal != appeal or ticket_network != network or now >= issued_at + LIFETIME:
            raise ChallengeError("the ticket is too old, for another appeal, or issued to another network")
        remaining = issued_at + WAIT - now
        if remaining > timedelta(0):
            raise ChallengeError("it is too early", wait=int(remaining.total_seconds()) + 1)
        return SolvedChallenge(hashlib.sha256(nonce.encode()).digest(), issued_at + LIFETIME)
