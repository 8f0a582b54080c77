"""Scenario files: YAML, as PyYAML of Home Assistant reads it."""

from collections.abc import Hashable
from pathlib import Path
from typing import override

import yaml

from .pure_import import prepare_pure_import

prepare_pure_import()

from custom_components.v2g_vpp.virtual.scenario.scenario import (  # noqa: E402 - see above
    Scenario,
    ScenarioError,
    parse,
)


class _Loader(yaml.SafeLoader):
    """Reads values as YAML does, but no name twice."""

    @override
    def construct_mapping(
        self, node: yaml.MappingNode, deep: bool = False
    ) -> dict[Hashable, object]:
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        for name in names:
            if names.count(name) > 1:
                line = node.start_mark.line + 1
                raise ScenarioError(f"line {line}: '{name}' stands there twice")
        return super().construct_mapping(node, deep=deep)


def read_scenario(path: Path) -> Scenario:
    """Return the scenario of a file.

    Raises:
        ScenarioError: naming the file, the place, and what is allowed there.
    """
    try:
        text = path.read_text(encoding="utf-8")
        return parse(yaml.load(text, _Loader))  # noqa: S506 - derived from the safe one
    except OSError as err:
        raise ScenarioError(f"{path}: {err.strerror}") from err
    except (yaml.YAMLError, UnicodeDecodeError) as err:
        raise ScenarioError(f"{path}: no YAML: {err}") from err
    except ScenarioError as err:
        raise ScenarioError(f"{path}: {err}") from err
