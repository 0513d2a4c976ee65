"""The proof of work that the sign form asks for, solved as the page's script solves it."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import altcha

URL = "/en/appeals/ana-ruiz-vega/sign"


def puzzle_and_ticket(page: str) -> tuple[dict[str, Any], str]:
    """Return the puzzle and the ticket of a page that asks for a proof of work."""
    puzzle = re.search(r'data-puzzle="([^"]+)"', page)
    ticket = re.search(r'name="ticket" value="([^"]+)"', page)
    assert puzzle
    assert ticket
    return json.loads(html.unescape(puzzle[1])), html.unescape(ticket[1])


def solve(puzzle: dict[str, Any]) -> str:
    """Solve the puzzle as the page's script does."""
    challenge = altcha.Challenge.from_dict(puzzle)
    solution = altcha.solve_challenge(challenge)
    assert solution is not None
    return json.dumps({"challenge": puzzle, "solution": {k: v for k, v in solution.to_dict().items() if k != "time"}})
