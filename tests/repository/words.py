"""The words of the dashboard, read from its source without running it."""

from pathlib import Path
import re

_TABLE = re.compile(r"^const WORDS = \{\n(.*?)^\};$", re.MULTILINE | re.DOTALL)
_LANGUAGE = re.compile(r"^  (\w+): \{\n(.*?)^  \},$", re.MULTILINE | re.DOTALL)
_WORD = re.compile(r"(\w+): \"([^\"]*)\"")


def read_words(script: Path) -> dict[str, dict[str, str]]:
    """Return the words of a dashboard script by language and key.

    Raises:
        ValueError: when the script has no table of words.
    """
    table = _TABLE.search(script.read_text(encoding="utf-8"))
    if table is None:
        raise ValueError(f"{script.name} has no table of words")
    return {
        language: dict(_WORD.findall(body))
        for language, body in _LANGUAGE.findall(table.group(1))
    }
