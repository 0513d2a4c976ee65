"""The large mail providers: their domains, and their rules for aliases.

The endings of domains come from the public suffix list, disposable domains from a list that its authors maintain. Both
lists are part of packages that are installed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

from disposable_email_domains import blocklist
from publicsuffixlist import PublicSuffixList


@dataclass(frozen=True, slots=True)
class AliasRule:
    """A provider's rules by which several addresses belong to one mailbox.

    Attributes:
        domain: The domain that replaces any domain of the provider; empty if its domains have separate mailboxes.
        ignored: The characters that the provider ignores in the local part.
        tag: The character that begins a tag, which the provider ignores.
        has_hosts: Whether mail to any address at a host with a customer's name goes to that customer.
    """

    domain: str = ""
    ignored: str = ""
    tag: str = ""
    has_hosts: bool = False


def _domains(names: str, endings: str) -> tuple[str, ...]:
    """Return the domains of each name with each ending; both are separated by spaces."""
    return tuple(f"{name}.{ending}" for name in names.split() for ending in endings.split())


_MICROSOFT = (
    *_domains(
        "outlook",
        """com at be cl co.id co.il co.th com.ar com.au com.br com.gr com.tr com.vn cz de dk es fr hu ie in it jp kr lv
        my ph pt sa sg sk""",
    ),
    *_domains(
        "hotmail",
        """com at be ca ch cl cn co.il co.in co.jp co.kr co.nz co.th co.uk co.za com.ar com.au com.br com.hk com.mx
        com.tr com.tw com.vn co.ve cz de dk es fi fr gr hu ie it jp lt lu lv my nl no ph pl pt rs se sg sk""",
    ),
    *_domains(
        "live",
        """com at be ca ch cl cn co.kr co.uk co.za com.ar com.au com.co com.mx com.my com.ph com.pt com.sg
        cz de dk fi fr hk hu ie in it jp lv nl no ph pt ru se""",
    ),
    *("msn.com", "passport.com", "windowslive.com"),
)
# The owner of Yahoo also runs AOL's mailboxes.
_YAHOO = (
    *_domains(
        "yahoo",
        """com at be bg ca ch cl cn co.id co.il co.in co.jp co.kr co.nz co.th co.uk co.za com.ar com.au com.br com.co
        com.hk com.mx com.my com.pe com.ph com.sg com.tr com.tw com.ua com.ve com.vn cz de dk ee es fi fr gr hr hu ie in
        it lt lv nl no pl pt ro rs se sg sk""",
    ),
    *("ymail.com", "rocketmail.com", "myyahoo.com"),
    *_domains("aol", "com fr de co.uk"),
)
_GMX = _domains("gmx", "de net at ch com fr es co.uk eu us li info")
_YANDEX = (
    *("yandex.ru", "ya.ru", "narod.ru"),
    *_domains("yandex", "com by kz ua uz fr az com.am com.ge co.il com.tr ee kg lt lv md tj tm"),
)
_FASTMAIL = (
    *_domains("fastmail", "com fm net org co.uk cn de es in jp mx nl se to us"),
    *("messagingengine.com", "sent.com"),
)
_GOOGLE = ("gmail.com", "googlemail.com")
_APPLE = ("icloud.com", "me.com", "mac.com")
_PROTON = ("proton.me", "protonmail.com", "protonmail.ch", "pm.me")
_POSTEO = _domains("posteo", "de net com org eu at be ca ch es ie lu me nl uk us")
_ZOHO = ("zoho.com", "zoho.eu", "zoho.in", "zohomail.com", "zohomail.eu", "zohomail.in")
# Runbox is not in LARGE_DOMAINS: it has no more mailboxes than many companies.
_RUNBOX = _domains(
    "runbox", "com no at be biz bz ca ch co co.uk de dk es eu fi fr gr im info is it li lt lu me mx net nl org"
)

# Only rules that the provider itself documents. Google ignores dots and +tags; googlemail.com is gmail.com. Microsoft,
# Apple and Fastmail ignore +tags at all their domains. Apple's three domains share one mailbox. At Fastmail
# `any@name.fastmail.com` is also `name@fastmail.com`. Proton ignores +tags, dots, hyphens and underscores, and its
# domains share one mailbox. Yandex ignores +tags, takes a dot for a hyphen, and its domains share one mailbox. Posteo,
# mailbox.org, Zoho, HEY and Runbox ignore +tags; the same name at two of their domains is two mailboxes.
_ALIAS_RULES: dict[str, AliasRule] = {
    **dict.fromkeys(_GOOGLE, AliasRule("gmail.com", ".", "+")),
    **dict.fromkeys((*_MICROSOFT, *_POSTEO, *_ZOHO, *_RUNBOX), AliasRule("", "", "+")),
    **dict.fromkeys(("mailbox.org", "hey.com"), AliasRule("", "", "+")),
    **dict.fromkeys(_FASTMAIL, AliasRule("", "", "+", has_hosts=True)),
    **dict.fromkeys(_APPLE, AliasRule("icloud.com", "", "+")),
    **dict.fromkeys(_PROTON, AliasRule("proton.me", ".-_", "+")),
    **dict.fromkeys(_YANDEX, AliasRule("yandex.ru", ".-", "+")),
}

# The providers that staff see in the funnel, under these names.
PROVIDERS: dict[str, tuple[str, ...]] = {
    "gmail": _GOOGLE,
    "outlook": _MICROSOFT,
    "yahoo": _YAHOO,
    "icloud": _APPLE,
    "gmx / web.de": (*_GMX, "web.de"),
    "t-online": ("t-online.de",),
    "orange": ("orange.fr", "wanadoo.fr"),
    "free": ("free.fr",),
    "sfr": ("sfr.fr", "neuf.fr"),
    "laposte": ("laposte.net",),
    "proton": _PROTON,
    "mail.ru": ("mail.ru", "bk.ru", "inbox.ru", "list.ru"),
    "yandex": _YANDEX,
}
# The domains of other large providers.
_OTHER_LARGE_DOMAINS = """
    freenet.de mailbox.org bbox.fr numericable.fr libero.it virgilio.it tiscali.it alice.it telenet.be skynet.be
    proximus.be bluewin.ch hispeed.ch ziggo.nl kpnmail.nl planet.nl home.nl xs4all.nl btinternet.com sky.com
    virginmedia.com ntlworld.com talktalk.net blueyonder.co.uk comcast.net verizon.net att.net sbcglobal.net
    bellsouth.net cox.net charter.net shaw.ca rogers.com sympatico.ca videotron.ca bigpond.com optusnet.com.au
    xtra.co.nz internet.ru rambler.ru ukr.net i.ua seznam.cz wp.pl onet.pl o2.pl
    interia.pl centrum.cz abv.bg naver.com daum.net hanmail.net qq.com 163.com 126.com sina.com foxmail.com
    rediffmail.com uol.com.br bol.com.br terra.com.br mail.com email.com tutanota.com tutanota.de tutamail.com
    keemail.me tuta.io tuta.com hey.com mail.de bigpond.net.au sina.cn sina.com.cn inbox.lv freemail.hu
"""
# The domains of all large providers, where most people have their mailbox.
LARGE_DOMAINS = frozenset(
    (
        *(domain for domains in PROVIDERS.values() for domain in domains),
        *(*_FASTMAIL, *_POSTEO, *_ZOHO, *_OTHER_LARGE_DOMAINS.split()),
    )
)
# The largest of these domains, in the order of their size.
LARGEST_DOMAINS = """
    gmail.com yahoo.com hotmail.com outlook.com icloud.com qq.com 163.com mail.ru aol.com live.com msn.com yandex.ru
    web.de gmx.de gmx.net t-online.de mail.com orange.fr free.fr yahoo.fr hotmail.fr yahoo.co.uk hotmail.co.uk
    yahoo.co.jp libero.it
""".split()
# The size of the cache. It is enough, because most supporters share a few domains.
_CACHE_SIZE = 4096
# The endings that RFC 2606 reserves for examples and tests. They count as known, for demonstrations.
_RESERVED_ENDINGS = frozenset({"example", "test", "invalid", "localhost"})


def alias_rule(domain: str) -> AliasRule | None:
    """Return the alias rule of the provider with that domain; None if none is known."""
    return _ALIAS_RULES.get(domain)


def has_customer_hosts(domain: str) -> bool:
    """Return whether hosts below that provider's domain are named after its customers."""
    rule = _ALIAS_RULES.get(domain)
    return rule is not None and rule.has_hosts


def split_customer(host: str) -> tuple[str | None, str]:
    """Return the customer and the provider's domain if the host is named after a customer; else None and the host."""
    labels = host.split(".")
    for place in range(1, len(labels) - 1):
        if has_customer_hosts(domain := ".".join(labels[place:])):
            return labels[place - 1], domain
    return None, host


@cache
def _suffixes() -> PublicSuffixList:
    # Reading the list takes a tenth of a second and two megabytes, once in a process: at the first use, not at each
    # start.
    return PublicSuffixList(accept_unknown=False, only_icann=True)


def has_known_ending(domain: str) -> bool:
    """Return whether the last label of the domain exists as an ending. The domain is in A-labels and lower case."""
    if domain in LARGE_DOMAINS:
        return True
    return is_known_ending(domain.rpartition(".")[2])


@lru_cache(_CACHE_SIZE)
def is_known_ending(ending: str) -> bool:
    """Return whether the ending (one label) exists, by the public suffix list."""
    return ending in _RESERVED_ENDINGS or _suffixes().publicsuffix(ending) is not None


def is_disposable(domain: str) -> bool:
    """Return whether the domain, or a parent domain, offers disposable mailboxes, by a maintained list."""
    labels = domain.split(".")
    return any(".".join(labels[place:]) in blocklist for place in range(len(labels) - 1))
