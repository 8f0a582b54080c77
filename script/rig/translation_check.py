"""Tell what the translations lack beside the English texts."""

import argparse
from collections.abc import Sequence
import sys

from tests.repository.languages import (
    SOURCE,
    Comparison,
    compare_language,
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


def main(arguments: Sequence[str]) -> int:
    """Compare the languages named, or all, and return the exit code."""
    parser = argparse.ArgumentParser(prog="script/translations", add_help=False)
    parser.add_argument("language", nargs="*")
    code = ALIKE
    for language in parser.parse_args(arguments).language or languages():
        try:
            found = compare_language(read_texts(SOURCE), read_texts(language))
        except (OSError, ValueError) as error:
            print(f"error: {language}: {error}", file=sys.stderr)
            return UNUSABLE
        tell(language, found)
        if found.lines():
            code = DIFFERENT
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
