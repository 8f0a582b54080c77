"""Tell what the translations lack beside the English texts."""

import argparse
from collections.abc import Sequence
import json
import subprocess
import sys

from tests.repository import ROOT
from tests.repository.languages import (
    FOLDER,
    SOURCE,
    Comparison,
    compare_language,
    find_reworded,
    languages,
    read_texts,
)

ALIKE, DIFFERENT, UNUSABLE = 0, 1, 2


def tell(language: str, found: Comparison) -> None:
    """Print every finding of a language, then their numbers in one line."""
    for line in found.lines():
        print(f"{language} {line}")
    print(
        f"{language}: {len(found.missing)} missing, {len(found.stale)} stale, "
        f"{len(found.placeholders)} with other placeholders, "
        f"{len(found.markup)} with other markup, "
        f"{len(found.untranslated)} not translated, "
        f"{len(found.misnamed)} with another name than on the screen, "
        f"{len(found.alike)} the same as another, {len(found.bad)} against a rule"
    )


def read_texts_of(revision: str, language: str) -> dict[str, object]:
    """Return the texts of a language in a revision; none if it had no such file.

    Raises:
        ValueError: when the revision is not known.
    """
    git = ["git", "-C", str(ROOT)]
    known = subprocess.run(
        [*git, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if known.returncode:
        raise ValueError(f"{revision} is no revision")
    path = (FOLDER / f"{language}.json").relative_to(ROOT)
    shown = subprocess.run(
        [*git, "show", f"{known.stdout.strip()}:{path.as_posix()}"],
        capture_output=True,
        check=False,
    )
    return {} if shown.returncode else dict(json.loads(shown.stdout))


def tell_reworded(language: str, since: str) -> int:
    """Print every text that English says otherwise since then, and return how many."""
    keys = find_reworded(
        (read_texts_of(since, SOURCE), read_texts(SOURCE)),
        (read_texts_of(since, language), read_texts(language)),
    )
    for key in keys:
        print(f"{language} {key}: English changed since {since}")
    return len(keys)


def main(arguments: Sequence[str]) -> int:
    """Compare the languages named, or all, and return the exit code."""
    parser = argparse.ArgumentParser(prog="script/translations", add_help=False)
    parser.add_argument("language", nargs="*")
    parser.add_argument("--since")
    options = parser.parse_args(arguments)
    code = ALIKE
    for language in options.language or languages():
        try:
            found = compare_language(read_texts(SOURCE), read_texts(language))
            reworded = tell_reworded(language, options.since) if options.since else 0
        except (OSError, ValueError) as error:
            print(f"error: {language}: {error}", file=sys.stderr)
            return UNUSABLE
        tell(language, found)
        if found.lines() or reworded:
            code = DIFFERENT
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
