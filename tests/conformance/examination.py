"""One home in front of the kit, at a broker of its own."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from conformance.case import Case, Outcome, Verdict, run_cases
from conformance.home_bench import HomeBench
from conformance.home_options import HomeOptions
from conformance.relay import Relay
from conformance.session import Access
from conformance.transcript import Transcript
from conformance.wire import SigningKey, Topics
from custom_components.v2g_vpp.vpp.link import VppLink
from script.rig.broker import Broker
from tests.vpp.actors import HOME, PROGRAMME, REGION
from tests.vpp.rig import Certificates

from .home import LinkedHome

type MakeLink = Callable[..., VppLink]

KEY = SigningKey("agg-1", Ed25519PrivateKey.from_private_bytes(b"a" * 32))


async def examine(
    certificates: Certificates,
    directory: Path,
    cases: Sequence[Case[HomeBench]],
    make_link: MakeLink = VppLink,
    look: Callable[[LinkedHome], None] = lambda _: None,
) -> list[Outcome]:
    """Return what the kit says about our home, or about a broken one.

    ``look`` sees the home when all cases were run.
    """
    await asyncio.to_thread(directory.mkdir)
    transcript = Transcript()
    files = certificates.write_broker_files(directory)
    broker = Broker(directory, files)
    await asyncio.to_thread(broker.start)
    try:
        async with Relay(("127.0.0.1", 0), ("127.0.0.1", broker.port)) as relay:
            context = certificates.context(f"{REGION}--{HOME}")
            home = LinkedHome(relay.port, context, directory, make_link)
            options = HomeOptions(
                access=Access(
                    host="127.0.0.1",
                    port=broker.port,
                    common_name="aggregator",
                    context=certificates.context("aggregator"),
                ),
                topics=Topics(REGION, HOME),
                programme_id=PROGRAMME,
                key=KEY,
                epoch=1,
                groups=("feeder-7",),
                hooks={"restart": home.restart},
            )
            async with HomeBench(options, transcript, relay) as bench, home:
                await bench.introduce()
                outcomes = await run_cases(
                    cases, bench, transcript, bench.at_rest, lambda _: None
                )
                look(home)
                return outcomes
    finally:
        await asyncio.to_thread(broker.stop)


def of(outcomes: Sequence[Outcome], verdict: Verdict) -> dict[str, str]:
    """Return the cases of a verdict and what was seen."""
    return {one.case_id: one.seen for one in outcomes if one.verdict is verdict}
