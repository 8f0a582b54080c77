"""Keep the home of a demo as a fixture: `python -m tests.upgrade.record DIR REVISION`.

`script/demo --check --keep DIR` of a revision leaves the folder of a real Home
Assistant that was set up through the dialogs of that revision, spoke with a charger
and a broker, was dispatched, stopped, frozen and killed. What the integration wrote is
kept as it is. Its keys opened a broker on the loopback interface that is gone.
"""

import json
from pathlib import Path
import sys
from typing import Any

DOMAIN = "v2g_vpp"
HOMES = Path(__file__).parent / "homes"
ENTRY_FIELDS = ("version", "minor_version", "title", "data", "options", "subentries")


def record(directory: Path, revision: str) -> dict[str, Any]:
    """Return what the integration left in the folder of a demo."""
    storage = directory / "home_assistant" / ".storage"
    entries = _data(storage / "core.config_entries")["entries"]
    (entry,) = (one for one in entries if one["domain"] == DOMAIN)
    entities = _data(storage / "core.entity_registry")["entities"]
    return {
        "revision": revision,
        "entry": {field: entry[field] for field in ENTRY_FIELDS},
        "unique_ids": sorted(
            f"{one['entity_id'].partition('.')[0]}.{one['unique_id']}"
            for one in entities
            if one["platform"] == DOMAIN
        ),
        "files": {
            str(path.relative_to(storage)): path.read_text(encoding="utf-8")
            for path in sorted(storage.rglob("*"))
            if path.is_file()
            and str(path.relative_to(storage)).startswith(f"{DOMAIN}.")
        },
    }


def _data(path: Path) -> Any:
    return json.loads(path.read_bytes())["data"]


if __name__ == "__main__":
    found = record(Path(sys.argv[1]), sys.argv[2])
    target = HOMES / f"{sys.argv[2]}.json"
    target.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(target)  # noqa: T201 - a program
