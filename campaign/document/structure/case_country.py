"""The country of a case, from the most reliable place in the document that names one."""

from __future__ import annotations

from campaign.document.draft import DraftTarget
from campaign.document.fields.languages import countries_in, country_at_start
from campaign.document.structure.target.target_lines import goes_through_embassy, represented_country
from campaign.document.text.emphasis import plain_text
from campaign.document.text.lines import LineTracker
from campaign.document.text.normalise import normalise, words


def find_country(
    header_code: str | None,
    headline: str | None,
    summary: str | None,
    targets: list[DraftTarget],
    language: str,
    tracker: LineTracker,
) -> str | None:
    """Return the code of the country: from the header, else the headline, else the targets, else a guess.

    A guess from the summary or the embassies adds a warning. Returns None if there is none or the targets differ.
    """
    stated_code = header_code or title_country(headline, language)
    if stated_code:
        return stated_code
    primary = [target for target in targets if target.kind == "primary"]
    codes = {
        code
        for target in primary
        if (code := represented_country(target, language) if goes_through_embassy(target) else target.country)
    }
    if len(codes) == 1:
        return codes.pop()
    if codes:
        tracker.warn("country-unclear", f"the targets are in several countries: {', '.join(sorted(codes))}", 1)
        return None
    return _guess_country(summary, targets, language, tracker)


def _guess_country(summary: str | None, targets: list[DraftTarget], language: str, tracker: LineTracker) -> str | None:
    """Return the country if the summary or the embassies name exactly one."""
    for source, codes in (
        ("summary", set(countries_in(plain_text((summary or "").split("\n\n")[0]), language))),
        ("embassy", {code for target in targets if (code := represented_country(target, language))}),
    ):
        if len(codes) == 1:
            code = codes.pop()
            tracker.warn("country-guessed", f"only the {source} names a country: {code}", 1)
            return code
    return None


def title_country(headline: str | None, language: str) -> str | None:
    """Return the country that a headline names, if it names exactly one."""
    if not headline:
        return None
    country_start = country_at_start(headline, language)
    if country_start:
        headline_words = words(headline, country_start[1])
        after = normalise(headline[headline_words[-1].end :]).lstrip()
        if after[:1] in {".", ":", "-", "/", "|", "("}:
            return country_start[0]
    codes = countries_in(headline, language)
    return codes[0] if len(codes) == 1 else None
