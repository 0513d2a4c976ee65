"""Suggestions for domains with one typing error, or with letters that look like those of a large provider's domain.

The page only asks; a person who means the domain submits it again. Names of up to four letters have many genuine
neighbours (`me.com`, `free.fr`), so for them only slips of the hand count; and some genuine neighbours are listed.
"""

from __future__ import annotations

from functools import cache, lru_cache

from campaign.domain.signing.look_alike import is_of_two_scripts, latin_readings
from campaign.domain.signing.provider import LARGE, LARGEST, has_known_ending, is_known_ending

_REMEMBERED = 4096
_LONG_NAME = 5
# Keyboards of Latin letters: QWERTY, QWERTZ and AZERTY, each row half a key to the right of the one above.
_KEYBOARDS = (
    ("qwertyuiop", "asdfghjkl", "zxcvbnm"),
    ("qwertzuiop", "asdfghjkl", "yxcvbnm"),
    ("azertyuiop", "qsdfghjklm", "wxcvbn"),
)
# Endings that exist, but are a typing error far more often.
_MISTYPED_ENDINGS = {("co", "com"), ("cm", "com"), ("om", "com"), ("ne", "net"), ("et", "net")}
# Endings that have no meaning behind a large provider's whole domain: `yahoo.fr.com`.
_NEEDLESS = frozenset({"com", "net", "org"})
_GMAIL_ERRORS = frozenset({"gmail", "gmial", "gamil", "gmal", "gmai", "gnail"})
_ENDINGS = "com net de fr ru co.uk it com.br es nl co.jp co.in in ca com.au be ch at pl se com.mx com.ar".split()
# Names of providers who use every ending that exists for them: another ending is a typing error.
_NAMES_WITH_ALL_ENDINGS = frozenset(
    "gmail googlemail hotmail outlook yahoo ymail icloud yandex protonmail fastmail".split()
)
# Providers too small for a suggestion, compared with the genuine neighbours of their names.
_SMALL = frozenset({"hey.com", "home.nl", "sent.com"})
# Genuine neighbours with many mailboxes: companies, ministries, other providers, and words.
_GENUINE = frozenset(
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
    """Return each large domain, and each with one character left out, with the domains that it comes from."""
    found: dict[str, set[str]] = {}
    for domain in LARGE:
        for short in (domain, *_without_one(domain)):
            found.setdefault(short, set()).add(domain)
    return {short: tuple(sorted(domains)) for short, domains in found.items()}


@cache
def _neighbours() -> dict[str, set[str]]:
    """Return for each letter its neighbours on any of the keyboards."""
    found: dict[str, set[str]] = {}
    for rows in _KEYBOARDS:
        for row, keys in enumerate(rows):
            for place, key in enumerate(keys):
                below = rows[row + 1] if row + 1 < len(rows) else ""
                beside = keys[place + 1 : place + 2] + below[max(0, place - 1) : place + 1]
                for one in beside:
                    found.setdefault(key, set()).add(one)
                    found.setdefault(one, set()).add(key)
    return found


@lru_cache(_REMEMBERED)
def likely_domain(domain: str) -> str | None:
    """Return the large provider's domain that is one typing error away; None if there is none.

    One error is a letter too many, missing or wrong, or two swapped letters; an ending that does not exist or has no
    meaning behind a large provider's domain; and another ending of `gmail`. Letters of other scripts that look like
    Latin ones are questioned if they form a large provider's domain, or are mixed with Latin ones.
    """
    if readings := latin_readings(domain):
        return _meant_in_latin(domain, readings)
    if domain in LARGE or domain in _GENUINE or domain.partition(".")[0] in _GENUINE_NAMES:
        return None
    near = {one for short in (domain, *_without_one(domain)) for one in _shortened_domains().get(short, ())}
    # gmail.com is larger than all its neighbours together, so it is meant whatever the error is.
    found = [(one != "gmail.com", rank, _size(one), one) for one in near if (rank := _rank(domain, one)) is not None]
    if found:
        return min(found)[-1]
    return _without_needless_ending(domain) or _with_existing_ending(domain)


def _meant_in_latin(domain: str, readings: tuple[str, ...]) -> str | None:
    """Return the domain in Latin letters that was meant, of its readings; None if there is none."""
    large = next((one for one in readings if one in LARGE), None)
    if large is not None or not is_of_two_scripts(domain):
        return large
    return next((found for one in readings if (found := likely_domain(one))), None) or (
        readings[0] if has_known_ending(readings[0]) else None
    )


def _without_needless_ending(domain: str) -> str | None:
    """Return the large domain that a needless ending follows; a country's ending may follow a short name."""
    head, _, last = domain.rpartition(".")
    if head not in LARGE:
        return None
    needless = last in _NEEDLESS or head.endswith(f".{last}")
    return head if needless or len(head.partition(".")[0]) >= _LONG_NAME else None


def _with_existing_ending(domain: str) -> str | None:
    """Return the largest domain of that name if the ending does not exist; `gmail` has one ending only."""
    name, _, _ = domain.partition(".")
    if name in _GMAIL_ERRORS:
        return "gmail.com"
    if is_known_ending(domain.rpartition(".")[2]):
        return None
    same = [one for one in LARGE if one.startswith(f"{name}.")]
    return min(same, key=_size, default=None)


def _size(domain: str) -> tuple[int, int, str]:
    ending = domain.partition(".")[2]
    return (
        LARGEST.index(domain) if domain in LARGEST else len(LARGEST),
        _ENDINGS.index(ending) if ending in _ENDINGS else len(_ENDINGS),
        domain,
    )


def _rank(typed: str, meant: str) -> int | None:
    """Return 0 for a slip of the hand, 1 for another likely error, None if there is nothing to ask."""
    is_of_hand = _is_slip_of_hand(typed, meant)
    if is_of_hand is None:
        return None
    rank = 0 if is_of_hand else 1
    name, _, ending = meant.partition(".")
    typed_name, _, typed_ending = typed.partition(".")
    if typed_name == name:
        is_slip = (typed_ending, ending) in _MISTYPED_ENDINGS or not is_known_ending(typed.rpartition(".")[2])
        return rank if name in _NAMES_WITH_ALL_ENDINGS or (is_slip and len(name) > 1) else None
    if len(name) >= _LONG_NAME:
        return rank
    is_asked = typed_ending == ending and is_of_hand and meant not in _SMALL and _is_likely_error(typed_name, name)
    return rank if is_asked else None


def _is_likely_error(typed: str, name: str) -> bool:
    """Return whether to ask about this spelling of a short name; the shorter the name, the fewer errors count."""
    if len(typed) > len(name):
        return len(name) > 1  # one key pressed twice
    if len(typed) < len(name):
        return len(name) > 3
    return len(name) > 2 and name.isalpha()


def _without_one(text: str) -> list[str]:
    return [text[:place] + text[place + 1 :] for place in range(len(text))]


def _is_slip_of_hand(typed: str, meant: str) -> bool | None:
    """Return whether the one error between the two is a usual slip of the hand; None if there is not exactly one.

    One error means an optimal string alignment distance of 1. Usual slips are two letters swapped, one left out, one
    pressed twice, or a neighbouring key.
    """
    if len(typed) < len(meant):
        return True if typed in _without_one(meant) and len(meant) - len(typed) == 1 else None
    if len(typed) > len(meant):
        places = [place for place, short in enumerate(_without_one(typed)) if short == meant]
        # Leaving out either of two equal letters gives the same.
        return len(places) > 1 if places else None
    wrong = [place for place, pair in enumerate(zip(typed, meant, strict=True)) if pair[0] != pair[1]]
    if len(wrong) == 1:
        return typed[wrong[0]] in _neighbours().get(meant[wrong[0]], ())
    first = typed[wrong[0] : wrong[0] + 2]
    is_swap = len(wrong) == 2 and first[::-1] == meant[wrong[0] : wrong[0] + 2] and wrong[1] == wrong[0] + 1
    return True if is_swap else None
