"""Each staff route and method: its lowest role, a valid request, and the same request for another section."""

from __future__ import annotations

import json
from dataclasses import dataclass

from campaign.domain.staff.roles import Role
from tests.conftest import DOCUMENT


@dataclass(frozen=True)
class Route:
    """A route with its lowest role and a valid request."""

    rule: str
    method: str
    lowest: Role
    path: str
    data: tuple[tuple[str, str], ...] = ()
    # The page whose form is sent, with `data` filled in.
    form: str = ""
    # Field, name and content of a file.
    file: tuple[str, str, str] | None = None
    # The same request for an object of another section, and the lowest role that may use it; None for no role.
    theirs: str = ""
    theirs_from: Role | None = Role.COORDINATOR
    # The reason why the request is refused in this test.
    refused: str = ""


APPEAL = "/appeals/<slug>"
TEXT, TARGET = f"{APPEAL}/texts/<language>", f"{APPEAL}/targets/<int:position>"
ANNOUNCEMENTS = f"{APPEAL}/announcements"
ANNOUNCEMENT = f"{ANNOUNCEMENTS}/<int:number>"
MAILS = "/moderation/signatures/<int:signature_id>/mails"
INVALIDATION = "/moderation/invalidations/<int:invalidation_id>"
BEGIN_UNDO = f"{INVALIDATION}/<any(begin, undo):act>"
FILES = f"{APPEAL}/<any(days, hours, sections, channels):table>.<any(csv, xlsx):kind>"
SIGNING = f"{APPEAL}/funnel/<any(stages, providers, waits, sources):table>.<any(csv, xlsx):kind>"
PAPER = json.dumps([[1, "Paula Papier", "paula@mail.example", "FR", "y"]])
SHEET = "name,email,country,consent\nCarl Carton,carl@mail.example,FR,y\n"
# The announcement of the own section.
SAID = "She is free."
LAY = (("day", "2026-03-01"), ("place", "Lyon"), ("note", ""), ("country", "FR"), ("language", "fr"))
V, E, C, A = Role.VIEWER, Role.EDITOR, Role.COORDINATOR, Role.ADMIN


def edit_route(
    rule: str, method: str, of: str, data: tuple[tuple[str, str], ...] = (), form: str = "", refused: str = ""
) -> Route:
    """Return the route of an edit: editors may change drafts of their own section, coordinators every draft."""
    path = f"/appeals/{{own}}/{of}"
    return Route(rule, method, E, path, data, form, theirs=f"/appeals/{{foreign}}/{of}", refused=refused)


def announcement_route(rule: str, method: str, of: str = "", data: tuple[tuple[str, str], ...] = ()) -> Route:
    """Return the route of an announcement: it belongs to its section, and coordinators see those of all sections."""
    at = "/appeals/{slug}/announcements/"
    return Route(rule, method, E, f"{at}{{written}}{of}", data, theirs=f"{at}{{elsewhere}}{of}")


MATRIX = (
    Route("/", "GET", V, "/"),
    Route(APPEAL, "GET", V, "/appeals/{slug}?section=be-nl"),
    Route(f"{APPEAL}/days.svg", "GET", V, "/appeals/{slug}/days.svg"),
    Route(f"{APPEAL}/sections.svg", "GET", V, "/appeals/{slug}/sections.svg"),
    *(Route(FILES, "GET", V, f"/appeals/{{slug}}/{t}.{k}") for t in ("days", "sections") for k in ("csv", "xlsx")),
    Route(f"{APPEAL}/bulk-entries", "GET", E, "/appeals/{slug}/bulk-entries"),
    Route(
        f"{APPEAL}/bulk-entries", "POST", E, "/appeals/{slug}/bulk-entries",
        (("quantity", "3"), ("channel", "letter"), ("day", "2026-03-01"), ("place", "Nantes")),
    ),
    Route(
        f"{APPEAL}/bulk-entries/<int:entry_id>/undo", "POST", E, "/appeals/{slug}/bulk-entries/{own_entry}/undo",
        theirs="/appeals/{slug}/bulk-entries/{foreign_entry}/undo", theirs_from=None,
    ),
    Route(
        f"{APPEAL}/bulk-entries/<int:entry_id>/confirm", "POST", E,
        "/appeals/{slug}/bulk-entries/{own_waiting}/confirm",
        theirs="/appeals/{slug}/bulk-entries/{foreign_waiting}/confirm",
    ),
    Route(f"{APPEAL}/funnel", "GET", V, "/appeals/{slug}/funnel?section=be-nl"),
    Route(
        f"{APPEAL}/funnel/<any(providers, waits, sources):table>.svg", "GET", V, "/appeals/{slug}/funnel/sources.svg"
    ),
    *(
        Route(SIGNING, "GET", V, f"/appeals/{{slug}}/funnel/{t}.{k}?section=be-nl")
        for t in ("providers", "sources") for k in ("csv", "xlsx")
    ),
    Route(f"{APPEAL}/signatures", "GET", E, "/appeals/{slug}/signatures"),
    Route(
        f"{APPEAL}/signatures", "POST", E, "/appeals/{slug}/signatures",
        (("reason", "For the meeting"), ("addresses", "y")),
    ),
    Route(f"{APPEAL}/handovers", "GET", E, "/appeals/{slug}/handovers"),
    Route(
        f"{APPEAL}/handovers", "POST", E, "/appeals/{slug}/handovers",
        (("target", "1"), ("language", "en"), ("reason", "For the meeting")),
    ),
    *(
        Route(
            f"{APPEAL}/handovers/<int:handover_id>/<name>", "GET", E,
            f"/appeals/{{slug}}/handovers/{{own_list}}/{{own_{file}}}",
            theirs=f"/appeals/{{slug}}/handovers/{{foreign_list}}/{{foreign_{file}}}", theirs_from=None,
        )
        for file in ("csv", "pdf")
    ),
    Route("/appeals", "GET", V, "/appeals"),
    Route("/appeals", "POST", E, "/appeals", file=("document", "case.md", DOCUMENT.replace("7/26", "8/26"))),
    Route(f"{APPEAL}/edit", "GET", V, "/appeals/{slug}/edit"),
    Route(
        f"{APPEAL}/document", "POST", E, "/appeals/{own}/document", file=("document", "case.md", DOCUMENT),
        theirs="/appeals/{foreign}/document",
    ),
    edit_route(f"{APPEAL}/texts", "GET", "texts"),
    edit_route(TEXT, "GET", "texts/en"),
    edit_route(TEXT, "POST", "texts/en", form="/appeals/{own}/texts/en"),
    Route(f"{TEXT}/mail", "GET", V, "/appeals/{slug}/texts/en/mail"),
    Route(f"{TEXT}/mail.html", "GET", V, "/appeals/{slug}/texts/en/mail.html"),
    Route(f"{TEXT}/letter.pdf", "GET", V, "/appeals/{slug}/texts/en/letter.pdf"),
    edit_route(TARGET, "GET", "targets/1"),
    edit_route(TARGET, "POST", "targets/1", form="/appeals/{own}/targets/1"),
    edit_route(f"{APPEAL}/facts", "GET", "facts"),
    edit_route(f"{APPEAL}/facts", "POST", "facts", form="/appeals/{own}/facts"),
    edit_route(f"{APPEAL}/follows", "POST", "follows", (("follows", "{slug}"),)),
    Route(f"{APPEAL}/comparison", "GET", V, "/appeals/{own}/comparison"),
    edit_route(
        f"{APPEAL}/comparison", "POST", "comparison", (("language", "en"), ("line", "3"), ("to-3", "note")),
        form="/appeals/{own}/comparison",
    ),
    edit_route(f"{APPEAL}/doubts", "POST", "doubts"),
    edit_route(f"{TARGET}/confirm", "POST", "targets/1/confirm", form="/appeals/{own}/edit"),
    edit_route(f"{APPEAL}/request-review", "POST", "request-review"),
    edit_route(f"{APPEAL}/return-for-changes", "POST", "return-for-changes", (("words", "Not yet"),)),
    edit_route(f"{TARGET}/remove", "POST", "targets/1/remove"),
    # Each section writes its own continuation, whichever section has prepared the appeal.
    Route(f"{APPEAL}/continuation", "POST", E, "/appeals/{slug}/continuation", (("goes", "stop"),)),
    Route(ANNOUNCEMENTS, "GET", E, "/appeals/{slug}/announcements"),
    Route(f"{ANNOUNCEMENTS}/new", "GET", E, "/appeals/{slug}/announcements/new"),
    Route(
        f"{ANNOUNCEMENTS}/new", "POST", E, "/appeals/{slug}/announcements/new",
        (("kind", "update"), ("section", "fr"), ("subject_en", "News"), ("body_en", "She is well.")),
    ),
    announcement_route(ANNOUNCEMENT, "GET"),
    announcement_route(f"{ANNOUNCEMENT}/<language>.html", "GET", "/fr.html"),
    announcement_route(f"{ANNOUNCEMENT}/edit", "GET", "/edit"),
    announcement_route(
        f"{ANNOUNCEMENT}/edit", "POST", "/edit",
        (("kind", "update"), ("section", "fr"), ("subject_fr", SAID), ("body_fr", SAID), ("seen", "{edition}")),
    ),
    announcement_route(f"{ANNOUNCEMENT}/test", "POST", "/test", (("lang", "fr"),)),
    announcement_route(f"{ANNOUNCEMENT}/send", "POST", "/send", (("seen", "{edition}"),)),
    announcement_route(f"{ANNOUNCEMENT}/recall", "POST", "/recall"),
    announcement_route(f"{ANNOUNCEMENT}/stop", "POST", "/stop"),
    announcement_route(f"{ANNOUNCEMENT}/discard", "POST", "/discard"),
    Route("/messages", "GET", V, "/messages"),
    Route("/messages/<name>", "GET", V, "/messages/confirmation?lang=ar"),
    Route("/messages/<name>/<language>.html", "GET", V, "/messages/confirmation/ar.html"),
    Route("/outbox", "GET", C, "/outbox"),
    Route("/outbox", "POST", C, "/outbox", refused="there is nothing to try again or to drop"),
    Route(f"{APPEAL}/sheet", "GET", E, "/appeals/{slug}/sheet"),
    Route(
        f"{APPEAL}/sheet", "POST", E, "/appeals/{slug}/sheet",
        (*LAY, ("name-0", "Theo Tinte"), ("email-0", "theo@mail.example"), ("consent-0", "y")),
    ),
    Route(f"{APPEAL}/sheet/file", "POST", E, "/appeals/{slug}/sheet/file", LAY, file=("file", "rows.csv", SHEET)),
    Route(f"{APPEAL}/sheet/rows", "POST", E, "/appeals/{slug}/sheet/rows", (("rows", PAPER),)),
    Route(f"{APPEAL}/sheet/save", "POST", E, "/appeals/{slug}/sheet/save", (*LAY, ("rows", PAPER))),
    Route(f"{APPEAL}/sheet/print.pdf", "GET", E, "/appeals/{slug}/sheet/print.pdf"),
    Route("/moderation", "GET", E, "/moderation"),
    *(
        Route("/moderation/search", "POST", E, "/moderation/search", (("who", who), ("reason", "asked by letter")))
        for who in ("{name}", "{email}")
    ),
    Route("/moderation/domains", "GET", E, "/moderation/domains"),
    Route("/moderation/domains", "POST", E, "/moderation/domains", (("reason", "is it a flood?"),)),
    Route("/moderation/erased", "GET", E, "/moderation/erased"),
    Route(
        "/moderation/erased",
        "POST",
        E,
        "/moderation/erased",
        (("first", "2026-03-01"), ("last", "2026-03-02"), ("reason", "a flood")),
    ),
    Route("/moderation/reports", "GET", E, "/moderation/reports"),
    Route("/moderation/reports", "POST", E, "/moderation/reports", (("since", "2026-01-01T00:00"),)),
    *(
        Route("/moderation/invalidations", "POST", E, "/moderation/invalidations", (by, ("reason", "is it a flood?")))
        for by in (("domain", "mail.example"), ("ids", "{foreign_signature}"))
    ),
    Route(
        INVALIDATION, "GET", E, "/moderation/invalidations/{own_act}",
        theirs="/moderation/invalidations/{foreign_act}", theirs_from=None,
    ),
    Route(
        f"{INVALIDATION}/preview", "POST", E, "/moderation/invalidations/{own_act}/preview",
        (("reason", "is it a flood?"),),
        theirs="/moderation/invalidations/{foreign_act}/preview", theirs_from=None,
    ),
    *(
        Route(
            BEGIN_UNDO, "POST", E, f"/moderation/invalidations/{{own_act}}/{act}", (("reason", "a flood"),),
            theirs=f"/moderation/invalidations/{{foreign_{at}}}/{act}", theirs_from=None,
        )
        for act, at in (("begin", "act"), ("undo", "done"))
    ),
    Route(
        f"{INVALIDATION}/discard", "POST", E, "/moderation/invalidations/{own_spare}/discard",
        theirs="/moderation/invalidations/{foreign_act}/discard", theirs_from=None,
    ),
    Route(
        MAILS, "GET", E, "/moderation/signatures/{own_signature}/mails",
        theirs="/moderation/signatures/{foreign_signature}/mails", theirs_from=None,
    ),
    Route(
        f"{MAILS}/<int:mail_id>", "POST", E, "/moderation/signatures/{own_signature}/mails/{own_mail}",
        (("seen", "{own_fence}"),),
        theirs="/moderation/signatures/{foreign_signature}/mails/{foreign_mail}", theirs_from=None,
    ),
    *(
        Route(
            f"/moderation/signatures/<int:signature_id>{of}", method, E,
            f"/moderation/signatures/{{own_signature}}{of}", data,
            theirs=f"/moderation/signatures/{{foreign_signature}}{of}", theirs_from=None,
        )
        for of, method, data in (
            ("", "GET", ()),
            ("/name", "POST", (("name", "Odile Owen"), ("reason", "wrote a letter"))),
            ("/address", "POST", (("email", "odile@mail.example"), ("reason", "wrote a letter"))),
            ("/print", "POST", (("reason", "wrote a letter"),)),
            ("/erase", "POST", (("reason", "wrote a letter"), ("sure", "y"))),
        )
    ),
    Route("/moderation/links", "POST", E, "/moderation/links", (("email", "x@mail.example"), ("reason", "called us"))),
    Route("/account", "GET", V, "/account"),
    Route("/account", "POST", V, "/account", (("locale", "en"),)),
    Route("/accounts", "GET", A, "/accounts"),
    Route(
        "/accounts", "POST", A, "/accounts",
        (("email", "new@staff.example"), ("role", "viewer"), ("section", "fr"), ("locale", "en")),
    ),
    Route("/accounts/<int:staff_id>", "GET", A, "/accounts/{staff}"),
    Route(
        "/accounts/<int:staff_id>", "POST", A, "/accounts/{staff}",
        (("role", "editor"), ("section", "be-nl"), ("active", "y")),
    ),
    Route("/accounts/<int:staff_id>/second-factor", "POST", A, "/accounts/{staff}/second-factor"),
    Route("/audit", "GET", A, "/audit"),
    Route("/sections", "GET", A, "/sections"),
    Route("/sections/new", "GET", A, "/sections/new"),
    Route("/sections/new", "POST", A, "/sections/new", refused="it would stay: sections are never deleted"),
    Route("/sections/<code>", "GET", A, "/sections/be-nl"),
    Route("/sections/<code>", "POST", A, "/sections/be-nl", refused="nothing is typed in: the section stays as it is"),
    # Requests that end something come last.
    Route(f"{APPEAL}/publish", "POST", C, "/appeals/{slug}/publish"),
    Route(f"{APPEAL}/outcome", "POST", C, "/appeals/{slug}/outcome"),
    Route(f"{APPEAL}/close", "POST", C, "/appeals/{slug}/close"),
    Route(f"{APPEAL}/stop", "POST", C, "/appeals/{slug}/stop", (("outcome_en", "Free"),), refused="closed by then"),
)  # fmt: skip
