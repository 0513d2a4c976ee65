"""The limit of the rows that an overview of the moderation pages reads, so that its cost does not grow with a flood."""

from __future__ import annotations

# The number of newest signatures or reports of a section that are examined: enough to include those of a flood.
EXAMINED_ROWS = 20_000
