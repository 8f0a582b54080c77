"""Rules for manifest.json, which Home Assistant's own checks would hold it to."""

from collections.abc import Mapping
import re

from packaging.requirements import InvalidRequirement, Requirement

_REQUIRED = frozenset(
    {
        "codeowners",
        "config_flow",
        "documentation",
        "domain",
        "integration_type",
        "iot_class",
        "issue_tracker",
        "name",
        "requirements",
        "single_config_entry",
        "version",
    }
)
_VERSION = re.compile(r"\d+\.\d+\.\d+([ab]\d+)?")


def find_bad_manifest(
    manifest: Mapping[str, object], domain: str, version: str
) -> list[str]:
    """Return what is wrong with the manifest.

    Args:
        manifest: The parsed file, in the order of its keys.
        domain: Name of the integration's folder.
        version: The project's version, which the manifest repeats.
    """
    keys = list(manifest)
    found = [f"{key}: missing" for key in sorted(_REQUIRED - set(keys))]
    if keys[:2] != ["domain", "name"] or keys[2:] != sorted(keys[2:]):
        found.append("keys: domain, name, then the others in alphabetical order")
    if "quality_scale" in manifest:
        found.append("quality_scale: only integrations of the core have one")
    if not _VERSION.fullmatch(version):
        found.append(f"version: {version} is none that HACS can order")
    return found + _find_bad_values(manifest, domain, version)


def _find_bad_values(
    manifest: Mapping[str, object], domain: str, version: str
) -> list[str]:
    wanted = {
        "config_flow": True,
        "domain": domain,
        "single_config_entry": True,
        "version": version,
    }
    found = [
        f"{key}: not {value}"
        for key, value in wanted.items()
        if key in manifest and manifest[key] != value
    ]
    found += [
        f"{key}: not an https address"
        for key in ("documentation", "issue_tracker")
        if not str(manifest.get(key)).startswith("https://")
    ]
    found += [
        f"codeowners: {owner} does not begin with @"
        for owner in _strings(manifest.get("codeowners"))
        if not owner.startswith("@")
    ]
    requirements = _strings(manifest.get("requirements"))
    if requirements != sorted(requirements, key=str.lower):
        found.append("requirements: not in alphabetical order")
    for requirement in requirements:
        found += _find_bad_requirement(requirement)
    return found


def _strings(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _find_bad_requirement(text: str) -> list[str]:
    # Home Assistant installs into the one environment that it and every other
    # integration live in: a fixed version would fight with theirs.
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        return [f"requirements: {text}: {error}"]
    operators = {specifier.operator for specifier in requirement.specifier}
    if operators & {"==", "==="}:
        return [f"requirements: {text}: a fixed version"]
    if not {">=", "<"} <= operators:
        return [f"requirements: {text}: needs a lower and an upper bound"]
    return []
