"""Which steps, errors and endings the flows have, and their texts."""

import ast
from collections.abc import Iterable, Mapping
import inspect
import textwrap

from homeassistant.config_entries import HANDLERS, ConfigEntry

from .imports import PACKAGE
from .sources import Call, calls_in
from .texts import Tree, branch

_SHOWS = frozenset(
    {
        "async_external_step",
        "async_show_form",
        "async_show_menu",
        "async_show_progress",
    }
)
# Endings that Home Assistant's own helpers give.
_ENDINGS_OF_HELPERS = frozenset(
    {
        "already_configured",
        "already_in_progress",
        "reauth_successful",
        "reconfigure_successful",
        "single_instance_allowed",
    }
)


def find_flows(domain: str, entry: ConfigEntry) -> dict[str, type]:
    """Return the flow class of each part of the texts, by its dotted path.

    `<domain>.config_flow` has to be imported already.
    """
    handler = HANDLERS[domain]
    flows: dict[str, type] = {"config": handler}
    if handler.async_supports_options_flow(entry):
        flows["options"] = type(handler.async_get_options_flow(entry))
    for kind, flow in handler.async_get_supported_subentry_types(entry).items():
        flows[f"config_subentries.{kind}"] = flow
    return flows


def find_bad_flows(
    flows: Mapping[str, type], translations: Tree, literals: Iterable[str]
) -> list[str]:
    """Return where the flows and their texts differ.

    Args:
        flows: Flow classes by the path of their texts.
        translations: The English texts.
        literals: Every string that the sources know: what an error or a field may
            come from where it is not written in the call itself.
    """
    known = frozenset(literals)
    found = []
    for path, flow in flows.items():
        texts = branch(translations, path)
        for call in _own_calls(flow):
            found += _missing(path, texts, call)
        found += _unused(path, texts, flow, known)
    for kind in branch(translations, "config_subentries"):
        if f"config_subentries.{kind}" not in flows:
            found.append(f"config_subentries.{kind}: no such kind of subentry")
    if "options" in translations and "options" not in flows:
        found.append("options: the integration has no options flow")
    return found


def _unused(path: str, texts: Tree, flow: type, known: frozenset[str]) -> list[str]:
    """Return the texts that no step, field, error or ending of the flow has use for."""
    found = []
    for step in branch(texts, "step"):
        if not hasattr(flow, f"async_step_{step}"):
            found.append(f"{path}.step.{step}: the flow has no such step")
        fields = set(branch(texts, f"step.{step}.data"))
        if fields - known:
            found.append(f"{path}.step.{step}.data: unused {sorted(fields - known)}")
    for part in ("abort", "error", "progress"):
        unused = set(branch(texts, part)) - known - _ENDINGS_OF_HELPERS
        if unused:
            found.append(f"{path}.{part}: unused {sorted(unused)}")
    return found


def _own_calls(flow: type) -> Iterable[Call]:
    for base in flow.__mro__:
        if base.__module__.startswith(PACKAGE):
            tree = ast.parse(textwrap.dedent(inspect.getsource(base)))
            yield from calls_in(base.__module__.removeprefix(f"{PACKAGE}."), tree)


def _missing(path: str, texts: Tree, call: Call) -> list[str]:
    """Return what a call of a flow shows that has no text."""
    wanted = []
    if call.name in _SHOWS and (step := call.text("step_id")):
        wanted.append(f"step.{step}")
    if call.name == "async_show_progress" and (key := call.text("progress_action")):
        wanted.append(f"progress.{key}")
    if call.name == "async_abort" and (reason := call.text("reason")):
        wanted.append(f"abort.{reason}")
    errors = call.arguments.get("errors")
    if isinstance(errors, ast.Dict):
        wanted += [f"error.{key}" for key in _texts(errors.values)]
    menu = call.arguments.get("menu_options")
    if isinstance(menu, ast.List | ast.Tuple) and (step := call.text("step_id")):
        wanted += [f"step.{step}.menu_options.{key}" for key in _texts(menu.elts)]
    return [
        f"{call.module}: {path}.{item} has no text"
        for item in wanted
        if not _has(texts, item)
    ]


def _has(texts: Tree, path: str) -> bool:
    parent, _, key = path.rpartition(".")
    return key in branch(texts, parent)


def _texts(nodes: Iterable[ast.expr]) -> list[str]:
    return [
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
