"""The home of a soak, and the idle one beside it."""

import json
from pathlib import Path
import shutil
from typing import Final

from script.benches.soaking import probe
from script.rig.entry_file import DOMAIN, Part, station_part, write_parts
from script.rig.home_assistant import HomeAssistant, prepare_directory
from script.rig.home_assistant_client import Flow
from script.rig.processes import free_port

LOOPBACK: Final = "127.0.0.1"
PASSWORD: Final = "a-password-of-the-soak-0123456789"  # noqa: S105 - of a loopback

DISPATCHED: Final = {f"SOAK{number}": "ocpp2.1" for number in range(1, 5)}
"""Stations that the aggregator asks for power."""

PLAIN: Final = {
    f"SOAK{number}": "ocpp2.0.1" if number % 2 else "ocpp1.6" for number in range(5, 21)
}
"""Stations at which cars come, charge and go."""

PROTOCOLS: Final = DISPATCHED | PLAIN
VEHICLES: Final = {identity: f"DESOAK000000{identity[4:]}" for identity in DISPATCHED}
CAPACITY_KWH: Final = 60


def vehicle_id(identity: str) -> str:
    """Return what the home calls the vehicle of a station."""
    return f"at_{identity.lower()}"


async def set_up(home: HomeAssistant) -> int:
    """Start a home with all stations and vehicles; return its port for stations."""
    prepare_directory(home.directory, home.port)
    _add_probe(home.directory)
    await home.start()
    port = free_port()
    flow = await Flow.start(home.client, DOMAIN)
    await flow.submit({"next_step_id": "home"})
    await flow.submit({"ocpp_port": port, "ocpp_host": LOOPBACK})
    flow.expect("create_entry")
    await home.stop()
    stations = [station_part(identity, PASSWORD) for identity in PROTOCOLS]
    write_parts(home.directory, [*stations, *map(_vehicle_part, VEHICLES)])
    await home.start()
    return port


def _vehicle_part(identity: str) -> Part:
    return Part(
        kind="vehicle",
        title=f"Car at {identity}",
        unique_id=f"vehicle_{vehicle_id(identity)}",
        data={
            "vehicle_id": vehicle_id(identity),
            "name": f"Car at {identity}",
            "capacity_kwh": CAPACITY_KWH,
            "evcc_id": VEHICLES[identity],
        },
    )


def _add_probe(folder: Path) -> None:
    """Put the probe among the custom components, and into the configuration."""
    place = folder / "custom_components" / probe.DOMAIN
    place.mkdir(parents=True, exist_ok=True)
    shutil.copy(probe.__file__, place / "__init__.py")
    manifest = {
        "domain": probe.DOMAIN,
        "name": "Soak probe",
        "codeowners": [],
        "documentation": "https://example.invalid",
        "iot_class": "calculated",
        "version": "1.0.0",
    }
    (place / "manifest.json").write_text(json.dumps(manifest), encoding="ascii")
    with (folder / "configuration.yaml").open("a", encoding="ascii") as file:
        file.write(f"{probe.DOMAIN}:\n")
