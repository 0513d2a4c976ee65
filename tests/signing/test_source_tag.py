"""Source tags: which texts are accepted."""

from __future__ import annotations

from campaign.domain.signing.signature import clean_via


def test_a_source_tag_is_never_an_error() -> None:
    assert clean_via(" Stall-Lyon ") == "stall-lyon"
    assert clean_via("<script>") is None
    assert clean_via("x" * 41) is None
    assert clean_via(None) is None
