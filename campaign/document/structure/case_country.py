"""The country of a case: where the document says it, the surest place first."""

from __future__ import annotations

from campaign.document.draft import DraftTarget
from campaign.document.fields.languages import countries_in, country_at_start
from campaign.document.structure.target_lines import goes_through_embassy, spoken_for
from campaign.document.text.emphasis import plain
from campaign.document.text.lines import Ledger
from campaign.document.text.normalise import fold, words


def find_country(
    header: str | None,
    headline: str | None,
    summary: str | None,
    targets: list[DraftTarget],
    language: str,
    ledger: Ledger,
) -> str | None:
    """Header before headline before the countries of those written to; a guess from elsewhere comes with a warning."""
    said = header or title_country(headline, language)
    if said:
        return said
    primary = [target for target in targets if target.kind == "primary"]
    named = {
        code
        for target in primary
        if (code := spoken_for(target, language) if goes_through_embassy(target) else target.country)
    }
    if len(named) == 1:
        return named.pop()
    if named:
        ledger.warn("country-unclear", f"the targets are in several countries: {', '.join(sorted(named))}", 1)
        return None
    return _guess(summary, targets, language, ledger)


def _guess(summary: str | None, targets: list[DraftTarget], language: str, ledger: Ledger) -> str | None:
    """The one country that the summary or the embassies name."""
    for where, codes in (
        ("summary", set(countries_in(plain((summary or "").split("\n\n")[0]), language))),
        ("embassy", {code for target in targets if (code := spoken_for(target, language))}),
    ):
        if len(codes) == 1:
            code = codes.pop()
            ledger.warn("country-guessed", f"only the {where} says a country: {code}", 1)
            return code
    return None


def title_country(headline: str | None, language: str) -> str | None:
    """The country that a headline names, where it names exactly one."""
    if not headline:
        return None
    start = country_at_start(headline, language)
    if start:
        stream = words(headline, start[1])
        after = fold(headline[stream[-1].end :]).lstrip()
        if after[:1] in {".", ":", "-", "/", "|", "("}:
            return start[0]
    named = countries_in(headline, language)
    return named[0] if len(named) == 1 else None
