"""Delete the ledger of a programme that is left, where its owner wants that."""

from pathlib import Path

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import STORAGE_DIR

from .const import STORE_LEDGER
from .coordinator import V2gRuntimeData
from .domain.ids import ProgrammeId


async def async_delete_unwanted_ledger(
    hass: HomeAssistant, runtime: V2gRuntimeData, programme_id: ProgrammeId
) -> None:
    """Delete what is on disk of a ledger that the owner does not keep."""
    if programme_id not in runtime.ledgers_to_delete:
        return
    runtime.ledgers_to_delete.discard(programme_id)
    folder = Path(hass.config.path(STORAGE_DIR))
    await hass.async_add_executor_job(_delete, folder, programme_id)


def _delete(folder: Path, programme_id: ProgrammeId) -> None:
    # Beside the ledger are its seal, a torn line, and what was put aside of it.
    for path in folder.glob(f"{STORE_LEDGER}.{programme_id}.jsonl*"):
        path.unlink(missing_ok=True)
