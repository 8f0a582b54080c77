"""What becomes of the ledger of a programme that is left: its owner decides."""

from pathlib import Path

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import STORAGE_DIR

from .const import STORE_LEDGER
from .coordinator import V2gRuntimeData
from .domain.ids import ProgrammeId


def ledger_path(hass: HomeAssistant, programme_id: str) -> Path:
    """Return where the ledger of a programme is."""
    return _ledger(Path(hass.config.path(STORAGE_DIR)), programme_id)


async def async_part_from_ledger(
    hass: HomeAssistant, runtime: V2gRuntimeData, programme_id: ProgrammeId
) -> None:
    """Delete what is on disk of the ledger, or put it where it is kept.

    A programme of the same name that is joined later has another key: in its place
    this ledger would count as changed by hand.
    """
    is_unwanted = programme_id in runtime.ledgers_to_delete
    runtime.ledgers_to_delete.discard(programme_id)
    folder = Path(hass.config.path(STORAGE_DIR))
    part = _delete if is_unwanted else _put_aside
    await hass.async_add_executor_job(part, folder, programme_id)


def _delete(folder: Path, programme_id: ProgrammeId) -> None:
    # Beside the ledger are its seal, a torn line, and what was put aside of it.
    for path in folder.glob(f"{STORE_LEDGER}.{programme_id}.jsonl*"):
        path.unlink(missing_ok=True)


def _put_aside(folder: Path, programme_id: ProgrammeId) -> None:
    ledger = _ledger(folder, programme_id)
    number = 1
    while (aside := ledger.with_name(f"{ledger.name}.left-{number}")).exists():
        number += 1
    if ledger.exists():
        ledger.replace(aside)
        seal = ledger.with_name(f"{ledger.name}.seal")
        if seal.exists():
            seal.replace(aside.with_name(f"{aside.name}.seal"))


def _ledger(folder: Path, programme_id: str) -> Path:
    return folder / f"{STORE_LEDGER}.{programme_id}.jsonl"
