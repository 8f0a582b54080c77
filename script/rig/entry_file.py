"""The config entry of a Home Assistant that does not run, changed in its file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
import json
from pathlib import Path
from typing import Any

DOMAIN = "v2g_vpp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A subentry as a dialog would have written it."""

    kind: str
    title: str
    unique_id: str
    data: Mapping[str, Any]


def write_parts(folder: Path, parts: Iterable[Part]) -> None:
    """Write parts of the home into its config entry, in the place of those there.

    The dialogs would take a minute for 200 of them; what they write is the same.

    Args:
        folder: configuration folder of a Home Assistant that does not run.
        parts: all that the home shall have.
    """
    path, document, entry = _read(folder)
    entry["subentries"] = [
        {
            "data": dict(part.data),
            "subentry_id": f"01BENCH{number:019d}",
            "subentry_type": part.kind,
            "title": part.title,
            "unique_id": part.unique_id,
        }
        for number, part in enumerate(parts)
    ]
    path.write_text(json.dumps(document), encoding="utf-8")


def make_real(folder: Path) -> None:
    """Let charger and car of a rehearsal count as real ones: the home's meter sees them.

    Args:
        folder: configuration folder of a Home Assistant that does not run.
    """
    path, document, entry = _read(folder)
    for part in entry["subentries"]:
        part["data"].pop("virtual", None)
    path.write_text(json.dumps(document), encoding="utf-8")


def _read(folder: Path) -> tuple[Path, dict[str, Any], dict[str, Any]]:
    """Return the file, what it holds, and the entry of the integration in it."""
    path = folder / ".storage" / "core.config_entries"
    document = json.loads(path.read_text(encoding="utf-8"))
    entry = next(e for e in document["data"]["entries"] if e["domain"] == DOMAIN)
    return path, document, entry


def station_part(identity: str, password: str) -> Part:
    """Return a charging station."""
    return Part(
        kind="charging_station",
        title=identity,
        unique_id=f"station_{identity}",
        data={"identity": identity, "password": password},
    )
