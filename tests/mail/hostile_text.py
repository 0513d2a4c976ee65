"""Text that could change a header, and the headers that a mail must have."""

from __future__ import annotations

from hypothesis import strategies as st

EXPECTED_HEADERS = ["Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]

# Controls, line ends of every kind, header-like text, encoded words, marks that turn the direction.
hostile_text = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "\r\n",
                "\n",
                "\r",
                "\0",
                "\x0b",
                "\x0c",
                "\x1c",
                "\x85",
                "\u2028",
                "\u2029",
                "\r\nBcc: x@evil.example",
                "\nSubject: other",
                "\r\n\r\nbody",
                "=?utf-8?q?=0D=0ABcc:_x?=",
                "\u202e",
                "\ud800",
                "--=_",
                "\r\n.\r\n",
                "\t",
                " ",
                ":",
                "<a@b.example>",
                ",",
                ";",
            ]
        ),
        st.text(max_size=40),
    ),
    max_size=12,
).map("".join)
