"""Files that an action leaves for the owner, in one folder of the configuration."""

from collections.abc import Callable
from pathlib import Path

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from .const import DOMAIN


async def async_save_file(
    hass: HomeAssistant, name: str, content: Callable[[], bytes]
) -> str:
    """Write a file into the folder of the integration, and return its path.

    Nothing is ever written elsewhere, and the owner alone may read it.

    Args:
        hass: the running Home Assistant.
        name: of the file, without any text from outside but letters and digits.
        content: makes what is written; runs in the executor.

    Raises:
        HomeAssistantError: when the disk refuses.
    """
    path = Path(hass.config.path(DOMAIN, name))
    try:
        await hass.async_add_executor_job(_write, path, content)
    except OSError as err:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="file_not_written",
            translation_placeholders={"path": str(path)},
        ) from err
    return str(path)


def _write(path: Path, content: Callable[[], bytes]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(content())
