"""The request for a certificate as a file, for whoever sends it to the operator.

A dialog of Home Assistant cannot offer a download without a link that anybody could
follow who has it. So the request is written where a user finds files of this home: the
folder of the integration in the configuration, as the exported ledgers.
"""

import logging
from pathlib import Path
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.util import slugify

from .const import DOMAIN

_LOGGER = logging.getLogger(__name__)

FOLDER: Final = DOMAIN


def request_path(hass: HomeAssistant, programme_id: str) -> Path:
    """Return where the request of a programme is, or will be."""
    return Path(hass.config.path(FOLDER, f"request_{slugify(programme_id)}.csr"))


async def async_write_request(
    hass: HomeAssistant, programme_id: str, csr_pem: str
) -> bool:
    """Write the request, which holds no secret; False when the disk refuses.

    It replaces an older one of the programme: only the last has the key of the home.
    """
    path = request_path(hass, programme_id)
    try:
        await hass.async_add_executor_job(_write, path, csr_pem)
    except OSError as err:
        _LOGGER.warning("%s cannot be written: %s", path, err)
        return False
    return True


def _write(path: Path, csr_pem: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(csr_pem)
