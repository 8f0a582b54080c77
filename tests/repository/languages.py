"""Rules for the texts of another language beside the English ones."""

from collections import Counter
from dataclasses import dataclass, field
import json
from pathlib import Path
import re

from . import INTEGRATION
from .texts import find_bad_texts, placeholders, walk

FOLDER = INTEGRATION / "translations"
SOURCE = "en"

LONGEST_SAME_TEXT = 25
"""Characters up to which a text may be the same in two languages: names of things such
as "Firmware" or "Phase 1" are. House rule."""

_MARK = re.compile(r"```|`[^`\n]*`|\*\*|^- ", re.MULTILINE)
_WORDLESS = re.compile(r"\{\w+\}|`[^`\n]*`")

_NAME = re.compile(r"(entity|services)\..+\.name|.+\.data\.\w+")
_SHOWN_NAME = re.compile(
    r"(entity\.\w+|services|triggers|conditions|services\.\w+\.fields)\.\w+\.name"
)
_CHOICE = re.compile(r".+\.(state|options|menu_options|data)\.\w+")
_QUOTED = re.compile(r"\*\*([^*]+)\*\*|\"([^\"]+)\"")

type Pairs = dict[str, tuple[str, str]]
"""The English text and the other one, by dotted key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What one language lacks, in dotted keys; each list is in the order of its file."""

    missing: list[str] = field(default_factory=list)
    """Keys that only English has."""

    stale: list[str] = field(default_factory=list)
    """Keys that English has no more."""

    placeholders: list[str] = field(default_factory=list)
    """Keys whose text does not name the placeholders of the English one."""

    markup: list[str] = field(default_factory=list)
    """Keys whose text has other code spans, bold parts, list items or paragraphs."""

    untranslated: list[str] = field(default_factory=list)
    """Keys whose text is the English one, and longer than a name."""

    misnamed: list[str] = field(default_factory=list)
    """Keys whose text, in bold or quotes, does not call a thing as it is called on the
    screen in this language."""

    alike: list[str] = field(default_factory=list)
    """Keys of a name or choice that English tells from another one beside it, and this
    language does not."""

    bad: list[str] = field(default_factory=list)
    """Texts that are empty or break a rule that English keeps too, with the rule."""

    def lines(self) -> list[str]:
        """Return every finding in words, those of one kind together."""
        kinds = {
            "missing": self.missing,
            "stale": self.stale,
            "other placeholders than in English": self.placeholders,
            "other markup than in English": self.markup,
            "not translated": self.untranslated,
            "another name than on the screen": self.misnamed,
            "the same as another one beside it": self.alike,
        }
        found = [f"{key}: {kind}" for kind, keys in kinds.items() for key in keys]
        return found + self.bad


def languages(folder: Path = FOLDER) -> list[str]:
    """Return the codes of the languages beside English, sorted."""
    return sorted(path.stem for path in folder.glob("*.json") if path.stem != SOURCE)


def read_texts(language: str, folder: Path = FOLDER) -> dict[str, object]:
    """Return the texts of a language as its file holds them.

    Raises:
        OSError: when there is no such file.
        ValueError: when it is no JSON object.
    """
    texts = json.loads((folder / f"{language}.json").read_text(encoding="utf-8"))
    if not isinstance(texts, dict):
        raise ValueError(f"{language}.json is no object")  # noqa: TRY004 - as JSON's own
    return texts


def compare_language(
    english: dict[str, object], other: dict[str, object]
) -> Comparison:
    """Return where the texts of a language do not match the English ones."""
    source, texts = dict(walk(english)), dict(walk(other))
    both = {key: (source[key], text) for key, text in texts.items() if key in source}
    return Comparison(
        missing=[key for key in source if key not in texts],
        stale=[key for key in texts if key not in source],
        placeholders=[key for key, pair in both.items() if _names_differ(*pair)],
        markup=[key for key, (a, b) in both.items() if _marks(a) != _marks(b)],
        untranslated=[key for key, (a, b) in both.items() if a == b and _is_long(a)],
        misnamed=_misnamed(both),
        alike=_alike(both),
        bad=find_bad_texts(other),
    )


def _misnamed(both: Pairs) -> list[str]:
    """Return the keys of texts that quote a name of the screen in other words."""
    names: dict[str, set[str]] = {}
    for key, (english, text) in both.items():
        if _NAME.fullmatch(key):
            names.setdefault(english, set()).add(text)
    return [
        key
        for key, (english, text) in both.items()
        for quoted in _QUOTED.findall(english)
        if (known := names.get("".join(quoted)))
        and not any(name in text for name in known)
    ]


def _alike(both: Pairs) -> list[str]:
    """Return the keys that cannot be told from a sibling, though in English they can."""
    first: dict[tuple[str, str], str] = {}
    found = []
    for key, (english, text) in both.items():
        if group := _group(key):
            if first.setdefault((group, text), english) != english:
                found.append(key)
    return found


def _group(key: str) -> str | None:
    """Return what all names or choices that are shown together have in common."""
    if named := _SHOWN_NAME.fullmatch(key):
        return named.group(1)
    return key.rpartition(".")[0] if _CHOICE.fullmatch(key) else None


def find_reworded(
    english: tuple[dict[str, object], dict[str, object]],
    other: tuple[dict[str, object], dict[str, object]],
) -> list[str]:
    """Return the keys whose English text changed while the other language's did not.

    Args:
        english: The English texts of before and of now.
        other: Those of the language; a key that it did not have is not judged.
    """
    (was, now), (had, has) = (
        tuple(dict(walk(texts)) for texts in pair) for pair in (english, other)
    )
    return [
        key
        for key, text in now.items()
        if key in was and was[key] != text and key in had and had[key] == has.get(key)
    ]


def _names_differ(english: str, text: str) -> bool:
    try:
        return placeholders(english) != placeholders(text)
    except ValueError:
        return True


def _marks(text: str) -> Counter[str]:
    """Count the parts of a text that every language shares."""
    marks = Counter(mark.group() for mark in _MARK.finditer(text))
    marks["paragraphs"] = text.count("\n")
    return marks


def _is_long(text: str) -> bool:
    return len(_WORDLESS.sub("", text)) > LONGEST_SAME_TEXT
