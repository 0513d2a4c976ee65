"""Delivery reports are classified, and forged ones are ignored."""

from __future__ import annotations

import pytest

from campaign.domain.delivery.bounce import BounceVerdict, read_status, verdict_on_failure
from campaign.mail.bounce import ForgedBounceError, UnaddressedBounceError, read_report
from tests.mail.dsn import MESSAGE, forged, mutated, return_paths, samples

PATHS = return_paths()
SAMPLES = samples(PATHS)


def verdict_of(content: bytes) -> tuple[str, int | None]:
    try:
        report = read_report(content, PATHS)
    except ForgedBounceError:
        return "forged", None
    except UnaddressedBounceError:
        return "unaddressed", None
    return report.verdict.value, report.mail_id


def test_two_hundred_reports_are_classified() -> None:
    """Require the right verdict for 98 percent, and the right mail for all."""
    assert len(SAMPLES) >= 200
    assert len({sample.content for sample in SAMPLES}) == len(SAMPLES)
    found = [(sample, verdict_of(sample.content)) for sample in SAMPLES]
    wrong = [(sample.name, sample.verdict, said) for sample, said in found if said != (sample.verdict, sample.mail_id)]
    assert len(wrong) <= 0.02 * len(SAMPLES), wrong
    assert {said[1] for sample, said in found} == {sample.mail_id for sample in SAMPLES}
    # Most important: a full mailbox, a delay, a filter or an absence is never a reason to suppress an address.
    assert not [name for name, meant, said in wrong if said[0] == "hard"]


@pytest.mark.parametrize("sample", forged(PATHS), ids=lambda sample: sample.name[:40])
def test_a_forged_report_is_ignored(sample: object) -> None:
    assert verdict_of(sample.content)[0] == sample.verdict  # type: ignore[attr-defined]


def test_a_damaged_report_causes_no_error_and_names_no_other_mail() -> None:
    for seed, sample in enumerate(SAMPLES * 3):
        said, mail_id = verdict_of(mutated(sample, seed))
        assert said in {*BounceVerdict, "forged", "unaddressed"}
        assert mail_id in {None, sample.mail_id}


def test_the_servers_report_takes_precedence_over_the_headers() -> None:
    content = b"From: MAILER-DAEMON@x.example\nTo: list@tocsin.example\n\n550 5.1.1 user unknown\n"
    report = read_report(content, PATHS, PATHS.make(77, MESSAGE))
    assert (report.mail_id, report.verdict) == (77, BounceVerdict.HARD)


@pytest.mark.parametrize(
    ("status", "words", "verdict"),
    [
        ("5.1.1", "", "hard"), ("5.1.10", "", "hard"), ("5.1.7", "", "refused"), ("5.1.8", "", "refused"),
        ("5.1.0", "550 5.1.0 Sender rejected", "refused"), ("5.1.0", "550 5.1.0 Address rejected", "hard"),
        ("5.2.1", "", "hard"), ("5.2.2", "", "soft"), ("4.4.7", "", "soft"), ("5.7.1", "User is unknown", "refused"),
        (None, "550 user unknown", "hard"), (None, "452 try again later", "soft"), (None, "", "refused"),
        ("5.0.0", "550 blocked", "refused"), ("5.5.0", "mailbox unavailable", "hard"),
    ],
)  # fmt: skip
def test_the_status_code_decides_and_words_only_if_it_is_vague(status: str | None, words: str, verdict: str) -> None:
    assert verdict_on_failure(status, words) == verdict


def test_an_address_is_not_read_as_a_status() -> None:
    assert read_status("host 192.0.2.5.1.1 and 5.1.1.9 said nothing") is None
    assert read_status("550-5.0.0 no 550 5.1.1 yes") == "5.1.1"
    assert read_status("(#5.1.1)") == "5.1.1"
