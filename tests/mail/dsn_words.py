# ruff: noqa: E501, ISC004  servers' lines are easier to read unbroken
"""The wording of reports, letters and answers of the large providers' servers; all names in it are invented."""

from __future__ import annotations

HARD, REFUSED, SOFT, DELAYED, COMPLAINT, AUTOMATIC, UNKNOWN = (
    "hard", "refused", "soft", "delayed", "complaint", "automatic", "unknown",
)  # fmt: skip

FORGED, UNADDRESSED = "forged", "unaddressed"

# (sender of the report, who reports, domain of the mailbox, cases). A case: (verdict, Status, Action, Diagnostic-Code).
Case = tuple[str, str | None, str | None, str | None]

PROVIDERS: dict[str, tuple[str, str, str, list[Case]]] = {
    "gmail": (
        "Mail Delivery Subsystem <mailer-daemon@googlemail.com>", "dns; googlemail.com", "gmail.example",
        [
            (HARD, "5.1.1", "failed", "smtp; 550-5.1.1 The email account that you tried to reach does not exist. Please\n try 550-5.1.1 double-checking the recipient's email address for typos. - gsmtp"),
            (HARD, "5.2.1", "failed", "smtp; 550 5.2.1 The email account that you tried to reach is inactive. - gsmtp"),
            (SOFT, "4.2.2", "failed", "smtp; 452-4.2.2 The recipient's inbox is out of storage space. - gsmtp"),
            (REFUSED, "5.7.1", "failed", "smtp; 550-5.7.1 [192.0.2.7] Our system has detected that this message is\n 550-5.7.1 likely unsolicited mail. - gsmtp"),
            (REFUSED, "5.7.26", "failed", "smtp; 550-5.7.26 This mail has been blocked because the sender is unauthenticated. - gsmtp"),
            (DELAYED, "4.4.1", "delayed", "smtp; The recipient server did not accept our requests to connect. [mx.gmail.example. 192.0.2.8: timed out]"),
            (HARD, "5.1.2", "failed", "smtp; DNS Error: DNS type 'mx' lookup of typo.example responded with code NXDOMAIN"),
        ],
    ),
    "microsoft-365": (
        "Microsoft Outlook <postmaster@tenant.onmicrosoft.example>", "dns;DB0PR01MB0000.eurprd01.prod.outlook.example", "company.example",
        [
            (HARD, "5.1.10", "failed", "smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient {to} not found by SMTP address lookup"),
            (HARD, "5.4.1", "failed", "smtp;550 5.4.1 Recipient address rejected: Access denied. For more information see https://aka.example [DB0EUR01FT000.eop-eur01.prod.protection.outlook.example]"),
            (SOFT, "5.2.2", "failed", "smtp;554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded"),
            (REFUSED, "5.7.1", "failed", "smtp;550 5.7.1 Unfortunately, messages from [192.0.2.7] weren't sent. Part of their network is on our block list (S3150)."),
            (REFUSED, "5.7.133", "failed", "smtp;550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required; Delivery restriction check failed"),
            (SOFT, "4.4.7", "failed", "smtp;550 4.4.7 QUEUE.Expired; message expired"),
            (DELAYED, "4.4.7", "delayed", "smtp;400 4.4.7 Message delayed"),
            (HARD, "5.5.0", "failed", "smtp;550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)."),
        ],
    ),
    "exchange": (
        "Microsoft Exchange <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@firm.example>", "dns;mail.firm.example", "firm.example",
        [
            (HARD, "5.1.1", "failed", "smtp;550 5.1.1 RESOLVER.ADR.RecipNotFound; not found"),
            (REFUSED, "5.2.3", "failed", "smtp;550 5.2.3 RESOLVER.RST.RecipSizeLimit; message too large for this recipient"),
            (REFUSED, "5.7.1", "failed", "smtp;550 5.7.1 RESOLVER.RST.NotAuthorized; not authorized"),
            (SOFT, "5.2.2", "failed", "smtp;554 5.2.2 STOREDRV.Deliver.Exception:QuotaExceededException; mailbox full"),
        ],
    ),
    "outlook.com": (
        "postmaster@outlook.example", "dns;AM0EUR02FT000.mail.protection.outlook.example", "hotmail.example",
        [
            (HARD, "5.5.0", "failed", "smtp;550 5.5.0 Requested action not taken: mailbox unavailable"),
            (HARD, "5.1.1", "failed", "smtp;550 5.1.1 RESOLVER.ADR.RecipNotFound; not found"),
            (SOFT, "4.7.650", "failed", "smtp;451 4.7.650 The mail server [192.0.2.7] has been temporarily rate limited due to IP reputation."),
        ],
    ),
    "yahoo": (
        "MAILER-DAEMON@yahoo.example", "dns; mta1.mail.yahoo.example", "yahoo.example",
        [
            (HARD, "5.0.0", "failed", "smtp; 554 delivery error: dd This user doesn't have a yahoo.example account ({to}) [0] - mta1.mail.yahoo.example"),
            (HARD, "5.0.0", "failed", "smtp; 554 delivery error: dd Sorry, your message cannot be delivered. This mailbox is disabled (554.30)."),
            (HARD, "5.1.1", "failed", "smtp; 552 1 Requested mail action aborted, mailbox not found"),
            (SOFT, "4.2.2", "failed", "smtp; 552 4.2.2 Over quota"),
            (DELAYED, "4.7.0", "delayed", "smtp; 421 4.7.0 [TSS04] Messages from 192.0.2.7 temporarily deferred due to unexpected volume or user complaints"),
            (REFUSED, "5.7.9", "failed", "smtp; 554 5.7.9 Message not accepted for policy reasons."),
        ],
    ),
    "postfix": (
        "MAILER-DAEMON@mx.town.example (Mail Delivery System)", "dns; mx.town.example", "town.example",
        [
            (HARD, "5.1.1", "failed", "smtp; 550 5.1.1 <{to}>: Recipient address rejected: User unknown in local recipient table"),
            (HARD, "5.4.4", "failed", "X-Postfix; Host or domain name not found. Name service error for name=town.example type=A: Host not found"),
            (SOFT, "4.2.2", "failed", "X-Postfix; cannot update mailbox /var/mail/x for user x. error writing message: Disk quota exceeded"),
            (SOFT, "4.4.1", "failed", "X-Postfix; connect to mx.town.example[192.0.2.9]:25: Connection timed out"),
            (DELAYED, "4.4.1", "delayed", "X-Postfix; connect to mx.town.example[192.0.2.9]:25: Connection refused"),
            (REFUSED, "5.7.1", "failed", "smtp; 554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.blocklist.example"),
            (REFUSED, "5.3.4", "failed", "smtp; 552 5.3.4 Message size exceeds fixed limit"),
            (REFUSED, "5.1.8", "failed", "smtp; 553 5.1.8 <bounce@act.tocsin.example>: Sender address rejected: Domain not found"),
            (REFUSED, "5.4.6", "failed", "X-Postfix; mail for town.example loops back to myself"),
        ],
    ),
    "exim": (
        "Mail Delivery System <Mailer-Daemon@host.isp.example>", "dns; host.isp.example", "isp.example",
        [
            (HARD, "5.0.0", "failed", "smtp; 550 Unrouteable address"),
            (HARD, "5.0.0", "failed", "smtp; 550 No Such User Here"),
            (SOFT, "5.0.0", "failed", "smtp; 552 Mailbox quota exceeded for this recipient"),
            (REFUSED, "5.0.0", "failed", "smtp; 550 High probability of spam"),
            (DELAYED, "4.0.0", "delayed", "smtp; 451 Temporary local problem - please try later"),
        ],
    ),
    "sendmail": (
        "Mail Delivery Subsystem <MAILER-DAEMON@mail.univ.example>", "dns; mail.univ.example", "univ.example",
        [
            (HARD, "5.1.1", "failed", "SMTP; 550 5.1.1 <{to}>... User unknown"),
            (HARD, "5.1.2", "failed", "SMTP; 550 Host unknown"),
            (DELAYED, "4.4.1", "delayed", "SMTP; 421 4.2.1 Connection reset by peer"),
            (SOFT, "4.4.7", "failed", "SMTP; 451 4.4.7 Message could not be delivered for 5 days"),
        ],
    ),
    "amazon-ses": (
        "MAILER-DAEMON@eu-west-1.amazonses.example", "dns; a4-1.smtp-out.eu-west-1.amazonses.example", "shop.example",
        [
            (HARD, "5.1.1", "failed", "smtp; 550 5.1.1 user unknown"),
            (HARD, "5.1.1", "failed", "Amazon SES did not send the message to this address because it is on the suppression list for your account."),
            (SOFT, "4.4.7", "failed", "smtp; 550 4.4.7 Message expired: unable to deliver in 840 minutes.<421 4.4.0 Unable to lookup DNS for shop.example>"),
            (REFUSED, "5.6.0", "failed", "smtp; 554 5.6.0 Message contains invalid header"),
        ],
    ),
    "zoho": (
        "mailer-daemon@mail.zoho.example", "dns; mx.zoho.example", "startup.example",
        [
            (HARD, "5.1.1", "failed", "smtp; 550 5.1.1 User does not exist - <{to}>"),
            (SOFT, "4.2.2", "failed", "smtp; 452 4.2.2 Mailbox full"),
            (REFUSED, "5.7.7", "failed", "smtp; 554 5.7.7 Email policy violation detected"),
        ],
    ),
    "gmx": (
        "GMX Mailer Daemon <mailer-daemon@gmx.example>", "dns; mout.gmx.example", "gmx.example",
        [
            (HARD, "5.0.0", "failed", "smtp; 550 Requested action not taken: mailbox unavailable"),
            (REFUSED, "5.7.0", "failed", "smtp; 554-Transaction failed 554-Reject due to policy restrictions. 554 For explanation visit https://postmaster.gmx.example"),
            (SOFT, "5.2.2", "failed", "smtp; 552 5.2.2 Quota exceeded. Postfach ist voll"),
        ],
    ),
    "web.de": (
        "WEB.DE Mailer Daemon <mailer-daemon@web.example>", "dns; mout.web.example", "web.example",
        [
            (HARD, "5.1.1", "failed", "smtp; 550 Requested action not taken: mailbox unavailable"),
            (HARD, None, "failed", "smtp; 550 Empfänger nicht gefunden"),
        ],
    ),
    "orange": (
        "Mail Delivery System <MAILER-DAEMON@opmta1.smtpout.orange.example>", "dns; opmta1.smtpout.orange.example", "orange.example",
        [
            (HARD, "5.1.1", "failed", "smtp; 550 5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient. OFR_416 [416]"),
            (HARD, "5.0.0", "failed", "smtp; 550 Adresse d au moins un destinataire invalide. Invalid recipient. OFR_416"),
            (SOFT, "5.2.2", "failed", "smtp; 552 5.2.2 Boîte du destinataire pleine. Recipient overquota. OFR_417 [417]"),
            (REFUSED, "5.7.1", "failed", "smtp; 550 5.7.1 Service refuse. Veuillez essayer plus tard. OFR_506 [506]"),
        ],
    ),
    "laposte": (
        "MAILER-DAEMON@smtp.laposte.example", "dns; smtp.laposte.example", "laposte.example",
        [
            (HARD, "5.1.1", "failed", "smtp; 550 5.1.1 <{to}>: Recipient address rejected: User unknown in virtual mailbox table"),
            (HARD, "5.5.0", "failed", "smtp; 550 5.5.0 Adresse du destinataire introuvable"),
        ],
    ),
    "mail.ru": (
        "Mail Delivery System <mailer-daemon@corp.mail.example>", "dns; mxs.mail.example", "mail.example",
        [
            (HARD, "5.0.0", "failed", "smtp; 550 Message was not accepted -- invalid mailbox. Local mailbox {to} is unavailable: user not found"),
            (HARD, "5.0.0", "failed", "smtp; 550 Message was not accepted -- invalid mailbox. Local mailbox {to} is unavailable: account is disabled"),
            (REFUSED, "5.0.0", "failed", "smtp; 550 spam message rejected. Please visit http://help.mail.example/notspam-support/id?c=x"),
        ],
    ),
    "yandex": (
        "mailer-daemon@yandex.example", "dns; mxback.mail.yandex.example", "yandex.example",
        [
            (HARD, "5.7.1", "failed", "smtp; 550 5.7.1 No such user!"),
            (REFUSED, "5.7.1", "failed", "smtp; 554 5.7.1 [2] Message rejected under suspicion of SPAM; https://ya.example/1TL"),
        ],
    ),
    "icloud": (
        "MAILER-DAEMON@icloud.example", "dns; mr85p00im.me.example", "icloud.example",
        [
            (HARD, "5.1.1", "failed", "smtp; 550 5.1.1 <{to}>: user lookup success but no user record found"),
            (SOFT, "5.2.2", "failed", "smtp; 552 5.2.2 <{to}>: user is over quota"),
            (REFUSED, "5.7.1", "failed", "smtp; 554 5.7.1 [CS01] Message rejected due to local policy."),
        ],
    ),
    "proton": (
        "MAILER-DAEMON@mail.protonmail.example", "dns; mailin.protonmail.example", "proton.example",
        [
            (HARD, "5.1.1", "failed", "smtp; 550 5.1.1 <{to}>: Recipient address rejected: Address does not exist"),
            (SOFT, "4.2.2", "failed", "smtp; 452 4.2.2 <{to}>: Recipient address rejected: Over quota"),
        ],
    ),
    "qq": (
        "postmaster@qq.example", "dns; mx3.qq.example", "qq.example",
        [
            (HARD, "5.0.0", "failed", "smtp; 550 Mailbox not found. http://service.mail.qq.example"),
            (REFUSED, "5.0.0", "failed", "smtp; 550 Ip frequency limited. http://service.mail.qq.example"),
        ],
    ),
    "comcast": (
        "MAILER-DAEMON@comcast.example", "dns; resimta.comcast.example", "comcast.example",
        [
            (HARD, "5.1.1", "failed", "smtp; 550 5.1.1 Not our Customer"),
            (HARD, "5.2.1", "failed", "smtp; 550 5.2.1 <{to}> Account not available"),
            (REFUSED, "5.2.0", "failed", "smtp; 554 5.2.0 Message sent from: (192.0.2.7) rejected. BL000001"),
        ],
    ),
    "seznam": (
        "MAILER-DAEMON@seznam.example", "dns; mx1.seznam.example", "seznam.example",
        [
            (HARD, "5.1.1", "failed", "smtp; 550 5.1.1 Sorry, no mailbox here by that name."),
            (REFUSED, "5.1.7", "failed", "smtp; 550 5.1.7 Sender address is not acceptable"),
        ],
    ),
    "t-online": (
        "Mail Delivery System <MAILER-DAEMON@mailin.t-online.example>", "dns; mailin.t-online.example", "t-online.example",
        [
            (HARD, "5.1.1", "failed", "smtp; 550-5.1.1 unknown user 550 5.1.1 (unbekannter Empfänger)"),
            (REFUSED, "5.0.0", "failed", "smtp; 554 IP=192.0.2.7 - A problem occurred. (Ask your postmaster for help or to contact tobr@rx.t-online.example)"),
        ],
    ),
}  # fmt: skip

# Servers that write letters instead of reports.
LETTERS: list[tuple[str, str, str, str, str]] = [
    ("qmail", HARD, "MAILER-DAEMON@old.example", "failure notice",
     "Hi. This is the qmail-send program at old.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n"
     "This is a permanent error; I've given up. Sorry it didn't work out.\n\n<{to}>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n"
     "--- Below this line is a copy of the message.\n\nReturn-Path: <x>\n"),
    ("qmail remote", HARD, "MAILER-DAEMON@old.example", "failure notice",
     "Hi. This is the qmail-send program at old.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n"
     "This is a permanent error; I've given up. Sorry it didn't work out.\n\n<{to}>:\n192.0.2.1 does not like recipient.\n"
     "Remote host said: 550 5.1.1 User unknown\nGiving up on 192.0.2.1.\n\n--- Below this line is a copy of the message.\n"),
    ("qmail full", SOFT, "MAILER-DAEMON@old.example", "failure notice",
     "Hi. This is the qmail-send program at old.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n"
     "This is a permanent error; I've given up. Sorry it didn't work out.\n\n<{to}>:\nuser is over quota (#5.2.2)\n\n"
     "--- Below this line is a copy of the message.\n"),
    ("qmail spam", REFUSED, "MAILER-DAEMON@old.example", "failure notice",
     "Hi. This is the qmail-send program at old.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n"
     "This is a permanent error; I've given up. Sorry it didn't work out.\n\n<{to}>:\n192.0.2.1 failed after I sent the message.\n"
     "Remote host said: 554 5.7.1 Blocked by content filter\n\n--- Below this line is a copy of the message.\n"),
    ("exim", HARD, "Mailer-Daemon@host.example", "Mail delivery failed: returning message to sender",
     "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\n"
     "recipients. This is a permanent error. The following address(es) failed:\n\n  {to}\n    Unrouteable address\n\n"
     "------ This is a copy of the message, including all the headers. ------\n\nReturn-path: <x>\n"),
    ("exim remote", HARD, "Mailer-Daemon@host.example", "Mail delivery failed: returning message to sender",
     "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\n"
     "recipients. This is a permanent error. The following address(es) failed:\n\n  {to}\n    host mx.example [192.0.2.3]\n"
     "    SMTP error from remote mail server after RCPT TO:<{to}>:\n    550 5.1.1 <{to}>: Recipient address rejected: User unknown\n\n"
     "------ This is a copy of the message, including all the headers. ------\n"),
    ("exim timeout", SOFT, "Mailer-Daemon@host.example", "Mail delivery failed: returning message to sender",
     "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\n"
     "recipients. This is a permanent error. The following address(es) failed:\n\n  {to}\n    mailbox is full: retry timeout exceeded\n\n"
     "------ This is a copy of the message, including all the headers. ------\n"),
    ("exim delay", DELAYED, "Mailer-Daemon@host.example", "Warning: message 1abcde-0001 delayed 24 hours",
     "This message was created automatically by mail delivery software.\n\nA message that you sent has not yet been delivered to one or more of its\n"
     "recipients after more than 24 hours on the queue on host.example.\n\nThe address to which the message has not yet been delivered is:\n\n  {to}\n"
     "    Delay reason: Connection timed out\n\nNo action is required on your part. Delivery attempts will continue for\nsome time.\n"),
    ("old sendmail", HARD, "MAILER-DAEMON@relay.example", "Returned mail: see transcript for details",
     "The original message was received at Sun, 1 Mar 2026\n\n   ----- The following addresses had permanent fatal errors -----\n<{to}>\n"
     "    (reason: 550 5.1.1 <{to}>... User unknown)\n\n   ----- Transcript of session follows -----\n550 5.1.1 <{to}>... User unknown\n"),
    ("old yahoo", HARD, "MAILER-DAEMON@yahoo.example", "Failure Notice",
     "Message from yahoo.example.\nUnable to deliver message to the following address(es).\n\n<{to}>:\n"
     "This user doesn't have a yahoo.example account ({to}) [0]\n\n--- Original message follows.\n"),
    ("old postfix", HARD, "MAILER-DAEMON@relay.example", "Undelivered Mail Returned to Sender",
     "This is the Postfix program at host relay.example.\n\nI'm sorry to have to inform you that the message returned\nbelow could not be delivered "
     "to one or more destinations.\n\n                        The Postfix program\n\n<{to}>: host mx.example[192.0.2.3] said: 550 5.1.1 User unknown\n"),
    ("groupwise", HARD, "postmaster@office.example", "Message status - undeliverable",
     "The message that you sent was undeliverable to the following:\n\tsomebody ({to})\n550 5.1.1 User unknown\n"),
    ("french", HARD, "postmaster@firme.example", "Non remis : appel",
     "Échec de la remise pour ces destinataires :\n\n{to}\nL'adresse de messagerie que vous avez entrée est introuvable. 550 5.1.1\n"),
]  # fmt: skip

ANSWERS: list[tuple[str, dict[str, str], str, str]] = [
    (AUTOMATIC, {"Auto-Submitted": "auto-replied"}, "I am away", "I am back on Monday. Our mailbox unavailable until then."),
    (AUTOMATIC, {"Auto-Submitted": "auto-replied (vacation)"}, "Re: Please confirm", "This user is unknown to be at work."),
    (AUTOMATIC, {"Auto-Submitted": "auto-generated"}, "Ticket 7", "We have got your message. 550 tickets are before it."),
    (AUTOMATIC, {"X-Autoreply": "yes"}, "Away", "On leave."),
    (AUTOMATIC, {"X-Autorespond": "Away"}, "Away", "On leave."),
    (AUTOMATIC, {"Precedence": "auto_reply"}, "Thank you", "We answer within three days."),
    (AUTOMATIC, {}, "Automatic reply: Please confirm", "I am out of the office."),
    (AUTOMATIC, {}, "Out of Office: Please confirm", "The account has been closed for the holidays."),
    (AUTOMATIC, {}, "Réponse automatique : confirmez", "Je suis absente jusqu’au 3 mars."),
    (AUTOMATIC, {}, "Abwesenheitsnotiz: bitte bestätigen", "Ich bin nicht im Büro."),
    (AUTOMATIC, {}, "Automatische Antwort: bitte", "Ich bin nicht im Büro."),
    (AUTOMATIC, {}, "Respuesta automática: confirme", "Estoy fuera."),
    (AUTOMATIC, {"Auto-Submitted": "auto-replied"}, "No longer here", "I have left; this address is no longer valid, user unknown 5.1.1"),
    (UNKNOWN, {"Auto-Submitted": "no"}, "Re: Please confirm your signature", "Who are you, and is the account closed?"),
    (UNKNOWN, {}, "Question", "Hello, what does this mail mean? I did not sign."),
    (UNKNOWN, {}, "", ""),
]  # fmt: skip
