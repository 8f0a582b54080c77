"""``python -m conformance``: test a home or an aggregator, write the reports."""

import argparse
import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
import sys

from . import clock, report
from .aggregator_cases import AGGREGATOR_CASES
from .aggregator_joining import JOINING_CASES, Joining
from .case import Case, CaseEnd, Outcome, run_cases
from .enrolling import Applicant
from .home_bench import HomeBench
from .home_cases import HOME_CASES
from .home_options import HomeOptions, Hook
from .home_player import HomePlayer
from .options import (
    Endpoint,
    OptionError,
    home_options,
    hook,
    keep_epoch,
    read_invitation,
)
from .player_options import PlayerOptions
from .relay import Relay
from .session import SessionError
from .transcript import Transcript

EXIT_FAILED = 1
EXIT_USAGE = 2

HOOKS = {
    "command": "makes the aggregator send this home a setpoint",
    "cancel": "makes it cancel what it sent",
    "event": "makes it announce an event",
    "restart": "starts the aggregator anew",
}
"""Commands of the tester for what only the aggregator's operator can do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the kit; return 0 only when nothing failed."""
    options = _parser().parse_args(arguments)
    try:
        run: report.Run = asyncio.run(options.run(options))
    except (OptionError, SessionError, CaseEnd, OSError) as err:
        sys.stderr.write(f"error: {err}\n")
        return EXIT_USAGE
    paths = report.write(run, options.out)
    counts = ", ".join(f"{count} {name}" for name, count in run.counts.items())
    sys.stdout.write(f"{counts}\n{paths[0]}\n{paths[1]}\n")
    return EXIT_FAILED if run.has_failed else 0


async def _home(options: argparse.Namespace) -> report.Run:
    made, relay = home_options(options)
    began_at = clock.utcnow()
    cases = chosen(HOME_CASES, options.only)
    outcomes, epoch = await run_home(made, relay, cases, tell)
    keep_epoch(options.data, epoch)
    return report.Run(
        mode="home",
        subject=made.topics.common_name,
        began_at=began_at,
        ended_at=clock.utcnow(),
        outcomes=outcomes,
        remark=f"The home has heard leadership terms up to {epoch}.",
    )


async def run_home(
    options: HomeOptions,
    relay_at: Endpoint | None,
    cases: Sequence[Case[HomeBench]],
    tell: Callable[[Outcome], None],
) -> tuple[list[Outcome], int]:
    """Test a home; return the outcomes and the last epoch that was used."""
    transcript = Transcript()
    async with AsyncExitStack() as stack:
        relay = None
        if relay_at is not None:
            there = (options.access.host, options.access.port)
            relay = await stack.enter_async_context(
                Relay((relay_at.host, relay_at.port), there)
            )
        bench = await stack.enter_async_context(HomeBench(options, transcript, relay))
        await bench.introduce()
        outcomes = await run_cases(cases, bench, transcript, bench.at_rest, tell)
        return outcomes, bench.pen.epoch


async def _aggregator(options: argparse.Namespace) -> report.Run:
    invitation = read_invitation(options.invitation)
    named = Endpoint(invitation["broker_host"], invitation["broker_port"])
    began_at = clock.utcnow()
    hooks = {
        name: hook(command)
        for name in HOOKS
        if (command := getattr(options, name)) is not None
    }
    applicant = Applicant(invitation, options.out / "home")
    outcomes = await run_aggregator(
        Joining(applicant, options.broker or named),
        hooks,
        options.patience,
        options.only,
        tell,
    )
    return report.Run(
        mode="aggregator",
        subject=f"of {invitation['region']}",
        began_at=began_at,
        ended_at=clock.utcnow(),
        outcomes=outcomes,
    )


async def run_aggregator(
    joining: Joining,
    hooks: Mapping[str, Hook],
    patience_s: float,
    only: Sequence[str],
    tell: Callable[[Outcome], None],
) -> list[Outcome]:
    """Test an aggregator: join as a home, then be one.

    Raises:
        CaseEnd: when there is no certificate to go on with, or no welcome.
    """
    # Without the certificate there is nothing to be chosen from.
    outcomes = await run_cases(
        JOINING_CASES, joining, joining.transcript, joining.at_rest, tell
    )
    if joining.enrolled is None:
        return outcomes
    options = PlayerOptions(
        invitation=joining.applicant.invitation,
        enrolled=joining.enrolled,
        host=joining.broker.host,
        port=joining.broker.port,
        patience_s=patience_s,
        hooks=hooks,
    )
    transcript = Transcript()
    async with HomePlayer(options, transcript) as player:
        await player.introduce()
        cases = chosen(AGGREGATOR_CASES, only)
        return outcomes + await run_cases(
            cases, player, transcript, player.at_rest, tell
        )


def chosen[Bench](
    cases: Sequence[Case[Bench]], words: Sequence[str]
) -> list[Case[Bench]]:
    """Return the cases whose id has one of the words, all without words."""
    return [
        case
        for case in cases
        if not words or any(word in case.case_id for word in words)
    ]


def tell(outcome: Outcome) -> None:
    """Say on the terminal what came of a case."""
    sys.stdout.write(f"{outcome.verdict:13}{outcome.case_id:32}{outcome.seen}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="script/conformance",
        description="Test a home or an aggregator against the VPP contract.",
    )
    modes = parser.add_subparsers(required=True, metavar="MODE")
    home = modes.add_parser("home", help="play an aggregator in front of a home")
    home.set_defaults(run=_home)
    _add_common(home)
    home.add_argument("--restart", metavar="COMMAND", help="starts the home anew")
    home.add_argument("--data", type=Path, metavar="DIR", help="of our aggregator")
    home.add_argument("--certificate", type=Path, metavar="PEM", help="to the broker")
    home.add_argument("--key", type=Path, metavar="PEM", help="of that certificate")
    home.add_argument("--signing-key", type=Path, metavar="FILE", help="Ed25519")
    home.add_argument("--client-id", default="conformance-kit", metavar="TEXT")
    home.add_argument("--epoch", type=int, metavar="N", help="first term to use")
    home.add_argument("--group", action="append", default=[], metavar="NAME")
    home.add_argument(
        "--power", type=int, default=3000, metavar="W", help="most to ask for"
    )
    aggregator = modes.add_parser(
        "aggregator", help="play a home in front of an aggregator"
    )
    aggregator.set_defaults(run=_aggregator)
    _add_common(aggregator)
    for name, text in HOOKS.items():
        aggregator.add_argument(f"--{name}", metavar="COMMAND", help=text)
    return parser


def _add_common(mode: argparse.ArgumentParser) -> None:
    mode.add_argument(
        "--invitation",
        type=Path,
        required=True,
        metavar="FILE",
        help="of the home that is tested or played",
    )
    mode.add_argument(
        "--broker",
        type=Endpoint.parse,
        metavar="HOST:PORT",
        help="where the broker is, when the invitation names the kit",
    )
    mode.add_argument("--patience", type=float, default=60.0, metavar="S")
    mode.add_argument(
        "--only", action="append", default=[], metavar="TEXT", help="cases with it"
    )
    mode.add_argument(
        "--out", type=Path, default=Path("conformance-report"), metavar="DIR"
    )


if __name__ == "__main__":
    sys.exit(main())
