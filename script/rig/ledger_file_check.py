"""Tell whether a ledger on disk or an exported one can be believed."""

import argparse
from collections.abc import Sequence
import json
from pathlib import Path
import sys

from .pure_import import prepare_pure_import

prepare_pure_import()

from custom_components.v2g_vpp.domain.ledger import (  # noqa: E402 - see above
    LedgerFormError,
    read_seal,
)
from custom_components.v2g_vpp.domain.ledger_check import (  # noqa: E402
    Break,
    ChainCheck,
    Flaw,
    verify_entries,
)
from custom_components.v2g_vpp.domain.ledger_export import (  # noqa: E402
    ReadLedger,
    read_export,
    read_lines,
)
from custom_components.v2g_vpp.pki.signing import verify_signature  # noqa: E402

GOOD, CHANGED, UNUSABLE = 0, 1, 2

WORDS = {
    Flaw.FORM: "is no entry",
    Flaw.BEGINNING: "is not where a ledger begins",
    Flaw.OWNER: "is of another home or another key",
    Flaw.SEQUENCE: "does not follow: an entry is missing, twice or out of its turn",
    Flaw.LINK: "does not follow the entry before it",
    Flaw.HASH: "was changed",
    Flaw.SIGNATURE: "was not written by the home",
    Flaw.END: "is missing: entries were cut off at the end",
    Flaw.SEAL: "is not vouched for: the seal is missing or wrong",
}


def read_ledger(path: Path) -> ReadLedger:
    """Return what a file holds.

    Raises:
        LedgerFormError: when it is no ledger.
        OSError: when it cannot be read.
    """
    content = path.read_bytes()
    if path.suffix not in {".json", ".csv"} and content.startswith(b'{"body":'):
        seal_path = path.with_name(f"{path.name}.seal")
        seal = None
        if seal_path.exists():
            try:
                seal = read_seal(json.loads(seal_path.read_bytes()))
            except ValueError as err:
                raise LedgerFormError(f"{seal_path.name} is no seal") from err
        return ReadLedger(entries=read_lines(content), seal=seal)
    return read_export(content)


def tell(found: Break | None, check: ChainCheck) -> str:
    """Return the verdict in one line."""
    key = check.public_key.hex() if check.public_key is not None else "unknown"
    if found is None:
        return f"good: {check.count} entries, signed with key {key}"
    number = "" if found.sequence is None else f" (number {found.sequence})"
    return f"changed: entry {found.position + 1}{number} {WORDS[found.flaw]}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify one file."""
    parser = argparse.ArgumentParser(prog="script/ledger verify", add_help=False)
    parser.add_argument("file", type=Path)
    parser.add_argument("--key", type=bytes.fromhex)
    chosen = parser.parse_args(arguments)
    try:
        read = read_ledger(chosen.file)
    except (LedgerFormError, OSError) as err:
        print(f"{chosen.file}: {err}", file=sys.stderr)
        return UNUSABLE
    check = ChainCheck(verify_signature, public_key=chosen.key)
    found = verify_entries(read.entries, check, read.seal)
    print(tell(found, check))
    return GOOD if found is None else CHANGED


if __name__ == "__main__":
    sys.exit(main())
