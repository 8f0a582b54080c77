"""Who may read and write which topics at the broker, as a mosquitto access list.

Each home is written out by name. A pattern with ``+`` for the region would let a
certificate of one region speak in another.
"""

from collections.abc import Iterable

from .identity import HomeIdentity, aggregator_common_name
from .topics import PREFIX


def access_list(region: str, home_ids: Iterable[str], groups: Iterable[str]) -> str:
    """Return the access list for one region, homes in the order of their names.

    Args:
        region: the region that this broker serves.
        home_ids: every home that may connect; a revoked one is left out and loses
            its topics at the next reload, although its connection stays open.
        groups: groups whose commands every home of the region may read.
    """
    base = f"{PREFIX}/{region}"
    group_topics = [f"{base}/group/{group}/dn/command" for group in sorted(groups)]
    lines = [
        f"user {aggregator_common_name(region)}",
        f"topic read {base}/+/up/#",
        f"topic write {base}/+/dn/#",
        *(f"topic write {topic}" for topic in group_topics),
    ]
    for home_id in sorted(home_ids):
        home = HomeIdentity(region=region, home_id=home_id)
        lines += [
            "",
            f"user {home.common_name}",
            f"topic write {base}/{home.home_id}/up/#",
            f"topic read {base}/{home.home_id}/dn/#",
            f"topic read {base}/all/dn/#",
            *(f"topic read {topic}" for topic in group_topics),
        ]
    return "\n".join(lines) + "\n"
