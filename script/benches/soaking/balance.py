"""The same energy as the meter counted it, as entities show it, as the ledger tells."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
import json
from pathlib import Path
from typing import Any, Self

from script.rig.home_assistant_client import HomeAssistantClient

from .figures import difference_percent
from .proof import evse

WH_PER_KWH = 1000.0
ROUNDING_WH = 1.0
"""A ledger tells whole Wh: half of one at each end of a register."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """What flowed at one station, Wh, both >= 0."""

    charged_wh: float
    discharged_wh: float

    def __sub__(self, before: Self) -> Energy:
        """Return what flowed since an earlier moment."""
        return Energy(
            charged_wh=self.charged_wh - before.charged_wh,
            discharged_wh=self.discharged_wh - before.discharged_wh,
        )


type Energies = Mapping[str, Energy]
"""By station."""


def metered(status: Mapping[str, Mapping[str, Any]]) -> Energies:
    """Return what the meters of the stations truly counted."""
    return {
        identity: Energy(
            charged_wh=one["energy_import_wh"], discharged_wh=one["energy_export_wh"]
        )
        for identity, one in status.items()
    }


async def shown(
    client: HomeAssistantClient, identities: Iterable[str], ids: Mapping[str, str]
) -> Energies:
    """Return what the entities show.

    Args:
        client: of the home.
        identities: of the stations.
        ids: entity ids of the sensors by their unique ids.
    """

    async def read(unique_id: str) -> float:
        state = await client.request("GET", f"/api/states/{ids[unique_id]}")
        scale = WH_PER_KWH if _unit(state) == "kWh" else 1.0
        return scale * float(state["state"])

    return {
        one: Energy(
            charged_wh=await read(f"{evse(one)}_energy_charged"),
            discharged_wh=await read(f"{evse(one)}_energy_discharged"),
        )
        for one in identities
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the reports of a ledger add up to."""

    energy: dict[str, Energy]
    """By resource, as the registers at both ends of each event say."""

    rounding_wh: float
    """What the rounding of all of them makes at most."""

    reports: int
    broken: int
    """Reports in which a register is missing."""


def told(ledger: Path) -> Told:
    """Return what a ledger tells of all events."""
    sums: dict[str, Energy] = {}
    reports = broken = registers = 0
    with ledger.open(encoding="utf-8") as file:
        for line in file:
            entry = json.loads(line)
            if entry["kind"] != "event_report":
                continue
            reports += 1
            for one in entry["body"]["registers"]:
                ends = [one[f"{name}_wh_{end}"] for name, end in _REGISTERS]
                if None in ends:
                    broken += 1
                    continue
                registers += 2
                before = sums.get(
                    one["resource"], Energy(charged_wh=0, discharged_wh=0)
                )
                sums[one["resource"]] = Energy(
                    charged_wh=before.charged_wh + ends[1] - ends[0],
                    discharged_wh=before.discharged_wh + ends[3] - ends[2],
                )
    return Told(
        energy=sums,
        rounding_wh=ROUNDING_WH * registers,
        reports=reports,
        broken=broken,
    )


_REGISTERS = (
    ("charged", "start"),
    ("charged", "end"),
    ("discharged", "start"),
    ("discharged", "end"),
)


def worst_percent(measured: Energies, truth: Energies) -> float:
    """Return by how much the station that is off most is off, of all that flowed."""
    return max(
        difference_percent(gross(measured[one]), gross(truth[one])) for one in truth
    )


def gross(energy: Energy) -> float:
    """Return all that flowed, either way, Wh."""
    return energy.charged_wh + energy.discharged_wh


def _unit(state: Mapping[str, Any]) -> str:
    return str(state["attributes"].get("unit_of_measurement"))
