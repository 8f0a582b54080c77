"""Loading the layers of the integration without Home Assistant."""

import importlib
from pathlib import Path
import sys
import types

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "custom_components.v2g_vpp"


def prepare_pure_import() -> None:
    """Let ``import custom_components.v2g_vpp.X`` find a layer on its own.

    The package's own ``__init__`` imports Home Assistant, so bare modules that only
    know where their submodules are stand in for it. Call it before the first import.
    """
    path = ROOT
    name = ""
    for part in PACKAGE.split("."):
        path /= part
        name = f"{name}.{part}".lstrip(".")
        if name not in sys.modules:
            module = types.ModuleType(name)
            module.__path__ = [str(path)]
            sys.modules[name] = module


def import_pure(module: str) -> types.ModuleType:
    """Return a module of the integration, for example ``virtual.station``."""
    prepare_pure_import()
    return importlib.import_module(f"{PACKAGE}.{module}")
