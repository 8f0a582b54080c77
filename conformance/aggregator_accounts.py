"""Cases about reports, settlements and the renewal of a certificate."""

import asyncio
import json

from cryptography import x509

from . import ledger
from .case import Case, Failed, NotOffered
from .enrolling import request_pem
from .home_player import HomePlayer
from .schemas import FOLDER
from .wire import Json

SILENCE_S = 2.0


async def settlement(player: HomePlayer) -> str:
    """A report is settled once it is signed, and never for more than was delivered."""
    _offers_report(player)
    body = _body(f"conformance-{player.pen.epoch}")
    entry = _next(player, body)
    said = {"links": _links(player), "entry": entry}
    since = player.transcript.here
    player.say("report", said, key=player.stranger, remark="signed by a stranger")
    await asyncio.sleep(SILENCE_S)
    if player.of(["settlement"], since):
        raise Failed("a forged report was settled")
    player.say("report", said, key=player.key, expiry_s=604_800)
    player.ledger.append(entry)
    found = await player.heard(
        "settlement",
        lambda m: m.document.get("event_id") == body["event_id"],
        since=since,
    )
    player.check_signed(found)
    accepted_wh = found.document["accepted_wh"]
    if accepted_wh > body["delivered_wh"]:
        raise Failed(f"{accepted_wh} Wh accepted of {body['delivered_wh']} Wh")
    since = player.transcript.here
    player.hello()
    again = await player.heard(
        "settlement",
        lambda m: m.document.get("event_id") == body["event_id"],
        since=since,
    )
    if again.document["settlement_id"] != found.document["settlement_id"]:
        raise Failed("told again after a hello with another settlement_id")
    return f"{accepted_wh} of {body['delivered_wh']} Wh, told again after a hello"


async def marked_test(player: HomePlayer) -> str:
    """The report of a test is never settled."""
    _offers_report(player)
    body = _body(f"conformance-test-{player.pen.epoch}") | {"test": True}
    entry = _next(player, body)
    since = player.transcript.here
    player.say(
        "report",
        {"links": _links(player), "entry": entry},
        key=player.key,
        expiry_s=604_800,
    )
    player.ledger.append(entry)
    await asyncio.sleep(SILENCE_S)
    settled = [
        m
        for m in player.of(["settlement"], since)
        if m.document.get("event_id") == body["event_id"]
    ]
    if settled:
        raise Failed("a test was settled")
    return "no settlement"


async def renewal(player: HomePlayer) -> str:
    """A signed certificate request is answered over the link, an unsigned one not."""
    csr = {"csr_pem": request_pem(player.options.enrolled.key, player.topics)}
    since = player.transcript.here
    player.say("csr", csr, expiry_s=300, remark="not signed")
    await asyncio.sleep(SILENCE_S)
    if player.of(["certificate"], since):
        raise Failed("an unsigned request got a certificate")
    csr_id = player.say("csr", csr, key=player.key, expiry_s=300)
    found = await player.heard("certificate", since=since)
    player.check_signed(found)
    if found.document["csr_id"] != csr_id:
        raise Failed("csr_id is not the id of the question")
    pem = found.document["certificate_pem"].encode()
    leaf = x509.load_pem_x509_certificates(pem)[0]
    name = leaf.subject.rfc4514_string()
    if player.topics.common_name not in name:
        raise Failed(f"the certificate is for {name}")
    return f"a certificate to {leaf.not_valid_after_utc:%Y-%m-%d}"


def _offers_report(player: HomePlayer) -> None:
    if "report" not in player.newest("welcome").get("features", ()):
        raise NotOffered("the welcome does not choose 'report'")


def _body(event_id: str) -> Json:
    """Return the body of the published example, under another name."""
    path = FOLDER / "examples" / "report.json"
    body: Json = json.loads(path.read_bytes())["entry"]["body"]
    return body | {"event_id": event_id}


def _next(player: HomePlayer, body: Json) -> Json:
    """Return the next entry of the ledger of the played home."""
    if not player.ledger:
        about = {
            "region": player.topics.region,
            "home_id": player.topics.home_id,
            "programme_id": player.options.invitation["programme_id"],
        }
        player.ledger.append(ledger.write(player.key, None, "genesis", about))
    return ledger.write(player.key, player.ledger[-1], "event_report", body)


def _links(player: HomePlayer) -> list[Json]:
    """Return the headers since the last report."""
    last = player.ledger[-1]
    return [ledger.link(last)] if last["kind"] == "genesis" else []


ACCOUNT_CASES: tuple[Case[HomePlayer], ...] = (
    Case(
        case_id="report-settled",
        rule="Report and settlement",
        done="Send a report that a stranger signed, then a right one; say hello.",
        expected="A signed settlement for the right one alone, and again after hello.",
        run=settlement,
    ),
    Case(
        case_id="report-test",
        rule="Rule 16",
        done="Send the report of a test.",
        expected="It is never settled.",
        run=marked_test,
    ),
    Case(
        case_id="renewal",
        rule="Enrolment",
        done="Ask for a certificate without and with a signature.",
        expected="The signed question alone is answered, by its id.",
        run=renewal,
    ),
)
