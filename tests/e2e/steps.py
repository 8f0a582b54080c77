"""What the tests do with a home, and what they look at."""

from typing import Any

from script.rig.home_assistant import HomeAssistant
from script.rig.home_assistant_client import Flow
from script.rig.waiting import until_async

DOMAIN = "v2g_vpp"
IDENTITY = "VIRT1"
PASSWORD = "0123456789abcdef0123456789abcdef"

LOAD_TIMEOUT_S = 30.0


async def begin_virtual(home: HomeAssistant) -> Flow:
    """Return the flow at the form of "Try it with a virtual car"."""
    flow = await Flow.start(home.client, DOMAIN)
    flow.expect("menu", "user")
    await flow.submit({"next_step_id": "virtual"})
    flow.expect("form", "virtual")
    return flow


def virtual_answers(port: int, virtual: str) -> dict[str, Any]:
    """Return what a user enters there."""
    return {
        "ocpp_port": port,
        "virtual": virtual,
        "identity": IDENTITY,
        "password": PASSWORD,
    }


async def until_entry(home: HomeAssistant, state: str) -> dict[str, Any]:
    """Return the entry once it is in a state."""
    seen: list[dict[str, Any]] = []

    async def is_there() -> dict[str, Any] | None:
        seen[:] = await home.client.entries(DOMAIN)
        return seen[0] if seen and seen[0]["state"] == state else None

    return await until_async(
        is_there, LOAD_TIMEOUT_S, f"an entry in state {state}", lambda: seen
    )


async def issues_of(home: HomeAssistant) -> dict[str, dict[str, Any]]:
    """Return the open repairs of the integration by their ids."""
    reply = await home.socket.call("repairs/list_issues")
    return {i["issue_id"]: i for i in reply["issues"] if i["domain"] == DOMAIN}


def complaints(log: str) -> list[str]:
    """Return the lines of a log that a user would have to worry about."""
    return [
        line
        for line in log.splitlines()
        if " ERROR " in line or line.startswith("Traceback")
    ]
