"""Suggestions for domains with one typing error, or with letters that look like those of a large provider's domain.

The page only asks. A person who means the typed domain submits the form again. Names of up to four letters (`me.com`,
`free.fr`) differ by one letter from many genuine domains. So for them only usual slips of the hand count, and the known
genuine domains are listed.
"""

from __future__ import annotations

from functools import cache, lru_cache

from campaign.domain.signing.look_alike import is_of_two_scripts, latin_readings
from campaign.domain.signing.provider import LARGE_DOMAINS, LARGEST_DOMAINS, has_known_ending, is_known_ending

_CACHE_SIZE = 4096
_LONG_NAME_LENGTH = 5
# Keyboards of Latin letters: QWERTY, QWERTZ and AZERTY. Each row is half a key to the right of the row above it.
_KEYBOARDS = (
    ("qwertyuiop", "asdfghjkl", "zxcvbnm"),
    ("qwertzuiop", "asdfghjkl", "yxcvbnm"),
    ("azertyuiop", "qsdfghjklm", "wxcvbn"),
)
# Typed and meant ending. The typed ending exists, but is far more often a typing error.
_MISTYPED_ENDINGS = {("co", "com"), ("cm", "com"), ("om", "com"), ("ne", "net"), ("et", "net")}
# Endings that have no meaning after a large provider's whole domain: `yahoo.fr.com`.
_NEEDLESS_ENDINGS = frozenset({"com", "net", "org"})
_GMAIL_ERRORS = frozenset({"gmail", "gmial", "gamil", "gmal", "gmai", "gnail"})
_ENDINGS = "com net de fr ru co.uk it com.br es nl co.jp co.in in ca com.au be ch at pl se com.mx com.ar".split()
# Names of providers that own their name with every ending. Another ending is a typing error.
_NAMES_WITH_ALL_ENDINGS = frozenset(
    "gmail googlemail hotmail outlook yahoo ymail icloud yandex protonmail fastmail".split()
)
# Providers that are never suggested: too small, compared with the genuine domains that are similar to theirs.
_SMALL_DOMAINS = frozenset({"hey.com", "home.nl", "sent.com"})
# Genuine domains that are similar to a large provider's and have many mailboxes: of companies, ministries and others.
_GENUINE_DOMAINS = frozenset(
    """
    abb.bg abc.bg alive.it all.de amc.com aok.de art.net bbk.ru bmx.com bmx.de box.fr chapter.net emil.com fox.net
    fred.fr gmc.com gmd.de gms.com gms.de gol.com.br inet.pl jail.com mai.com mali.com mall.com man.com max.com mca.com
    men.com mil.ru msb.com msc.com nail.com net.pl never.com nsn.com one.pl plant.nl psn.com rodgers.com roger.com
    seb.de seb.se skt.com soho.com sol.com sol.de tetra.com.br tmx.com tree.fr tuya.com vox.net weg.de zoo.com
    """.split()
)
_GENUINE_NAMES = frozenset({"life", "liv", "love", "olive"})


@cache
def _shortened_domains() -> dict[str, tuple[str, ...]]:
    """Return the large domains by themselves, and by each text that leaves out one of their characters."""
    domains_of: dict[str, set[str]] = {}
    for domain in LARGE_DOMAINS:
        for short in (domain, *_without_one(domain)):
            domains_of.setdefault(short, set()).add(domain)
    return {short: tuple(sorted(domains)) for short, domains in domains_of.items()}


@cache
def _neighbours() -> dict[str, set[str]]:
    """Return for each letter the neighbouring keys on all keyboards."""
    neighbours_of: dict[str, set[str]] = {}
    for rows in _KEYBOARDS:
        for row, keys in enumerate(rows):
            for place, key in enumerate(keys):
                lower_row = rows[row + 1] if row + 1 < len(rows) else ""
                neighbours = keys[place + 1 : place + 2] + lower_row[max(0, place - 1) : place + 1]
                for neighbour in neighbours:
                    neighbours_of.setdefault(key, set()).add(neighbour)
                    neighbours_of.setdefault(neighbour, set()).add(key)
    return neighbours_of


@lru_cache(_CACHE_SIZE)
def likely_domain(domain: str) -> str | None:
    """Return the large provider's domain that is one typing error away; None if there is none.

    One error is a letter too many, missing or wrong, or two swapped letters; or an ending that does not exist, or has
    no meaning after a large provider's domain; or another ending of `gmail`. Letters of other scripts that look like
    Latin ones are an error if they form a large provider's domain, or are mixed with Latin letters.
    """
    if readings := latin_readings(domain):
        return _meant_in_latin(domain, readings)
    if domain in LARGE_DOMAINS or domain in _GENUINE_DOMAINS or domain.partition(".")[0] in _GENUINE_NAMES:
        return None
    candidates = {
        candidate for short in (domain, *_without_one(domain)) for candidate in _shortened_domains().get(short, ())
    }
    # gmail.com is larger than all similar domains together, so it comes first whatever the error is.
    matches = [
        (candidate != "gmail.com", rank, _size(candidate), candidate)
        for candidate in candidates
        if (rank := _rank(domain, candidate)) is not None
    ]
    if matches:
        return min(matches)[-1]
    return _without_needless_ending(domain) or _with_existing_ending(domain)


def _meant_in_latin(domain: str, readings: tuple[str, ...]) -> str | None:
    """Return the reading of the domain in Latin letters that was probably meant; None if there is none."""
    large = next((reading for reading in readings if reading in LARGE_DOMAINS), None)
    if large is not None or not is_of_two_scripts(domain):
        return large
    return next((found for reading in readings if (found := likely_domain(reading))), None) or (
        readings[0] if has_known_ending(readings[0]) else None
    )


def _without_needless_ending(domain: str) -> str | None:
    """Return the large domain before a needless ending; None if there is none.

    After a short name the ending of a country is not needless: the domain may be genuine.
    """
    head, _, last = domain.rpartition(".")
    if head not in LARGE_DOMAINS:
        return None
    needless = last in _NEEDLESS_ENDINGS or head.endswith(f".{last}")
    return head if needless or len(head.partition(".")[0]) >= _LONG_NAME_LENGTH else None


def _with_existing_ending(domain: str) -> str | None:
    """Return the largest domain of that name if the ending does not exist. `gmail` has one ending only."""
    name, _, _ = domain.partition(".")
    if name in _GMAIL_ERRORS:
        return "gmail.com"
    if is_known_ending(domain.rpartition(".")[2]):
        return None
    domains = [large for large in LARGE_DOMAINS if large.startswith(f"{name}.")]
    return min(domains, key=_size, default=None)


def _size(domain: str) -> tuple[int, int, str]:
    """Return a key that sorts domains by their number of mailboxes, the largest first."""
    ending = domain.partition(".")[2]
    return (
        LARGEST_DOMAINS.index(domain) if domain in LARGEST_DOMAINS else len(LARGEST_DOMAINS),
        _ENDINGS.index(ending) if ending in _ENDINGS else len(_ENDINGS),
        domain,
    )


def _rank(typed: str, meant: str) -> int | None:
    """Return 0 for a usual slip of the hand, 1 for another likely error, None if it is not a likely error."""
    is_slip_of_hand = _is_slip_of_hand(typed, meant)
    if is_slip_of_hand is None:
        return None
    rank = 0 if is_slip_of_hand else 1
    name, _, ending = meant.partition(".")
    typed_name, _, typed_ending = typed.partition(".")
    if typed_name == name:
        is_slip = (typed_ending, ending) in _MISTYPED_ENDINGS or not is_known_ending(typed.rpartition(".")[2])
        return rank if name in _NAMES_WITH_ALL_ENDINGS or (is_slip and len(name) > 1) else None
    if len(name) >= _LONG_NAME_LENGTH:
        return rank
    is_likely_error = (
        typed_ending == ending
        and is_slip_of_hand
        and meant not in _SMALL_DOMAINS
        and _is_likely_error(typed_name, name)
    )
    return rank if is_likely_error else None


def _is_likely_error(typed: str, name: str) -> bool:
    """Return whether the typed name is a likely error for a short name: the shorter it is, the fewer errors count."""
    if len(typed) > len(name):
        return len(name) > 1  # one key pressed twice
    if len(typed) < len(name):
        return len(name) > 3
    return len(name) > 2 and name.isalpha()


def _without_one(text: str) -> list[str]:
    """Return the texts that leave out one character, for each place."""
    return [text[:place] + text[place + 1 :] for place in range(len(text))]


def _is_slip_of_hand(typed: str, meant: str) -> bool | None:
    """Return whether the error is a usual slip of the hand; None if the texts do not differ by exactly one error.

    One error means an optimal string alignment distance of 1. Usual slips are two swapped letters, a missing letter, a
    key pressed twice, or a neighbouring key.
    """
    if len(typed) < len(meant):
        return True if typed in _without_one(meant) and len(meant) - len(typed) == 1 else None
    if len(typed) > len(meant):
        places = [place for place, short in enumerate(_without_one(typed)) if short == meant]
        # Several places mean a key pressed twice: leaving out either of two equal letters gives the same text.
        return len(places) > 1 if places else None
    wrong_places = [place for place, pair in enumerate(zip(typed, meant, strict=True)) if pair[0] != pair[1]]
    if len(wrong_places) == 1:
        return typed[wrong_places[0]] in _neighbours().get(meant[wrong_places[0]], ())
    first = typed[wrong_places[0] : wrong_places[0] + 2]
    is_swap = (
        len(wrong_places) == 2
        and first[::-1] == meant[wrong_places[0] : wrong_places[0] + 2]
        and wrong_places[1] == wrong_places[0] + 1
    )
    return True if is_swap else None
