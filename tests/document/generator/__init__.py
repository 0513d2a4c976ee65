"""A generator of documents: random invented facts in the shape of a template, damaged as copy and paste does.

`python -m tests.document.generator COUNT` reads that many documents and prints the figures;
`python -m tests.document.generator --show NUMBER` prints one document and what was read of it. A number is a seed: it
always gives the same document.
"""

from __future__ import annotations
