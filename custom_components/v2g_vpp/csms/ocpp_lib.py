"""The one place of this layer that touches the ``ocpp`` package: its JSON schemas."""

from collections.abc import Iterator
from importlib import resources
import json
from typing import Any, Final

_FOLDERS: Final = {"ocpp1.6": "v16", "ocpp2.0.1": "v201", "ocpp2.1": "v21"}
_ANSWER_SUFFIX: Final = "Response"
_REQUEST_SUFFIX: Final = "Request"
"""Request files of 2.x end with it, those of 1.6 have no suffix."""


def read_schemas(protocol: str) -> Iterator[tuple[str, bool, dict[str, Any]]]:
    """Yield (action, is_answer, schema) of one OCPP version. Reads files: it blocks."""
    folder = resources.files("ocpp") / _FOLDERS[protocol] / "schemas"
    for file in folder.iterdir():
        name, _, extension = file.name.rpartition(".")
        if extension != "json":
            continue
        is_answer = name.endswith(_ANSWER_SUFFIX)
        action = name.removesuffix(_ANSWER_SUFFIX).removesuffix(_REQUEST_SUFFIX)
        # Some of the files begin with a byte order mark.
        yield action, is_answer, json.loads(file.read_text("utf-8-sig"))
