"""Domains that are asked about as typing errors, the proposed corrections, and domains that are not asked about."""

from __future__ import annotations

import pytest

from campaign.domain.signing.address import parse_address
from campaign.domain.signing.likely_domain import likely_domain
from campaign.domain.signing.provider import LARGE_DOMAINS

TYPING_ERRORS = {
    # Large providers with short names: two letters swapped, one doubled, one missing, or a neighbouring key.
    "web.de": ["wev.de", "ewb.de", "wbe.de", "webb.de", "wwb.de", "web.dee", "web.ed", "web.d"],
    "gmx.de": ["gnx.de", "gxm.de", "ggmx.de", "gmy.de", "gmx.dr"],
    "gmx.com": ["gmx.cm", "gmx.vom"],
    "mail.ru": ["mial.ru", "mai.ru", "maill.ru", "nail.ru", "mail.rru"],
    "free.fr": ["freee.fr", "fre.fr", "rfee.fr", "free.ft", "frree.fr"],
    "sfr.fr": ["sfrr.fr", "srf.fr", "sdr.fr"],
    "aol.com": ["aol.co", "aoll.com", "alo.com", "apl.com", "aol.con"],
    "live.com": ["live.co", "libe.com", "lvie.com", "live.om"],
    "msn.com": ["msn.cm", "mns.com", "mssn.com"],
    "qq.com": ["qqq.com", "qq.co"],
    "163.com": ["1633.com", "163.con"],
    "abv.bg": ["avb.bg"],
    "wp.pl": ["wpp.pl"],
    "sky.com": ["sky.cmo", "skyy.com"],
    # Of several corrections the likeliest: first the commonest slip of the hand, then the larger provider.
    "yandex.ru": ["yandex.r", "yandx.ru", "uandex.ru"],
    "hotmail.co.uk": ["hotmail.co.k", "hotmial.co.uk", "hotmail.co.u"],
    "yahoo.fr": ["yahoo.fr.com", "yahoo.ft", "yaho.fr", "yahoo.fr.fr"],
    "hotmail.fr": ["hotmail.ft", "hotmail.dr", "hotmai.fr"],
    "outlook.de": ["outlook.e", "outlok.de"],
    "hotmail.com": ["hotmail.co", "hotmail.cm", "hotmail.xx", "homtail.com"],
    "gmail.com": ["gmail.com.br", "gmail.c", "gmail.fr", "gmail.com.com", "gmai.com", "gmail.cpm", "gamil.com"],
    "orange.fr": ["orange.f", "orang.fr", "oange.fr", "orange.fr.com"],
    "laposte.net": ["laposte.ne", "laposte.nett", "lapost.net"],
    "t-online.de": ["tonline.de", "t-onlin.de"],
    "seznam.cz": ["seznm.cz", "sezanm.cz"],
}


@pytest.mark.parametrize(
    ("typed", "meant"), [(typed, meant) for meant, many in TYPING_ERRORS.items() for typed in many]
)
def test_a_typing_error_in_a_large_domain_is_asked_about(typed: str, meant: str) -> None:
    assert likely_domain(typed) == meant


# Letters of other scripts: Cyrillic, Greek, Armenian, a dotless i, an accent.
LOOK_ALIKES = {
    "gmail.com": [
        "gmаil.com",
        "gmail.сom",
        "gmail.cοm",
        "gmaıl.com",
        "gmáil.com",
        "ɡmail.com",
        "gmаil.соm",
        "gmаi.com",
    ],
    "hotmail.com": ["hоtmail.com", "hοtmail.com", "hotmаil.сom", "հotmail.com"],
    "yahoo.fr": ["yаhoo.fr", "уahoo.fr", "yahοo.fr"],
    "outlook.com": ["оutlook.com", "outloоk.com", "outlօօk.com", "outlооk.com", "оυtlook.com"],
    "mail.ru": ["mаil.ru", "маil.ru", "mail.гu"],
    "yandex.ru": ["yаndex.ru", "yandeх.ru"],
    "icloud.com": ["iсloud.com", "ісloud.com", "ιcloud.com", "icӏoud.com"],
    "orange.fr": ["оrange.fr", "orаngе.fr"],
    "web.de": ["wеb.de", "ԝеb.de"],
    "amnesty.org": ["amnestу.org", "аmnesty.org"],
}


@pytest.mark.parametrize(("typed", "meant"), [(typed, meant) for meant, many in LOOK_ALIKES.items() for typed in many])
def test_letters_that_look_like_latin_ones_are_asked_about(typed: str, meant: str) -> None:
    address = parse_address(f"max@{typed}")
    assert address.suggestion == f"max@{meant}"


@pytest.mark.parametrize(
    "domain",
    [
        "почта.рф",
        "москва.рф",
        "пример.испытание",
        "münchen.de",
        "müller.de",
        "café.fr",
        "société.fr",
        "παράδειγμα.gr",
        "τράπεζα.ελ",
        "հայաստան.հայ",
        "例え.jp",
        "nic.рф",
        "bücher.example",
        "ağ.com.tr",
        "łódź.pl",
        "مثال.مصر",
    ],
)
def test_genuine_domains_in_other_scripts_are_not_asked_about(domain: str) -> None:
    assert parse_address(f"max@{domain}").suggestion is None


GENUINE_DOMAINS = """
    gmx.ch gmx.li web.de free.fr sfr.fr mail.com mail.de me.com mac.com pm.me ya.ru qq.com 126.com wp.pl o2.pl i.ua
    inbox.lv inbox.eu orange.be orange.pl orange.ro wanadoo.nl telenet.de planet.pl alice.at skynet.de centrum.sk
    web.se free.gr live.jp sky.com.br me.com.au aol.com.br gm.com aok.de seb.se mil.ru tmx.com sohu.com zoo.com
    fred.fr love.fr life.se liv.no soho.com vox.net weg.de sol.de box.com sf.fr we.de pw.edu.pl ok.ru vk.ru
    amnesty.org amnesty.fr amnesty.de greenpeace.de uni-koeln.de univ-lyon1.fr sorbonne.fr ox.ac.uk cam.ac.uk
    mit.edu stanford.edu unam.mx usp.br uba.ar ugent.be kuleuven.be ethz.ch tuwien.ac.at uva.nl ku.dk uio.no kth.se
    helsinki.fi msu.ru spbu.ru knu.ua uw.edu.pl cuni.cz ut.ee lu.lv vu.lt bme.hu unibuc.ro auth.gr metu.edu.tr
    aub.edu.lb cu.edu.eg um.ac.ir tau.ac.il iitb.ac.in u-tokyo.ac.jp snu.ac.kr pku.edu.cn ntu.edu.tw up.edu.ph
    ui.ac.id um.edu.my nus.edu.sg anu.edu.au otago.ac.nz uct.ac.za uonbi.ac.ke ug.edu.gh lagos.gov.ng posteo.net
    riseup.net disroot.org systemli.org autistici.org gandi.net ovh.fr ionos.de strato.de hetzner.de one.com
    xn--80ak6aa92e.com example.org mail.example
""".split()


@pytest.mark.parametrize("domain", GENUINE_DOMAINS)
def test_a_genuine_domain_close_to_a_large_one_is_not_asked_about(domain: str) -> None:
    assert likely_domain(domain) is None


def test_a_large_domain_is_not_asked_about() -> None:
    assert [domain for domain in LARGE_DOMAINS if likely_domain(domain)] == []


def test_a_proposed_domain_is_large_and_not_asked_about_itself() -> None:
    for typed in (one for many in TYPING_ERRORS.values() for one in many):
        assert likely_domain(typed) in LARGE_DOMAINS, typed
