"""The process that parses the lines of one long document, with limits on memory and time.

It reads the lines from standard input and writes the draft, or the reason why there is none, to standard output as
JSON. The parser's time grows with the length of a text and not faster, but some texts make each line slow.
"""

from __future__ import annotations

import gc
import logging
import sys

import msgspec

from campaign.document.errors import DocumentError
from campaign.document.formats.limits import set_limits
from campaign.document.formats.subprocess_reader import OVER_LIMIT
from campaign.document.parser import parse_lines
from campaign.document.reading import ParserAnswer
from campaign.document.text.lines import Line


def main() -> None:
    """Run `python -m campaign.document.parser_process SECONDS`."""
    set_limits(int(sys.argv[1]))
    gc.disable()  # it would scan the growing data repeatedly, and this process ends soon
    logging.disable()
    try:
        sys.stdout.buffer.write(_parse_to_json(sys.stdin.buffer.read()))
    except MemoryError:
        sys.exit(OVER_LIMIT)


def _parse_to_json(data: bytes) -> bytes:
    """Return the draft of the lines as JSON, or the refusal."""
    try:
        answer = ParserAnswer(draft=parse_lines(msgspec.json.decode(data, type=list[Line])))
    except DocumentError as error:
        answer = ParserAnswer(code=error.code, message=error.message)
    return msgspec.json.encode(answer)


if __name__ == "__main__":
    main()
