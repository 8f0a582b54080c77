"""``script/ledger verify`` on the file of the disk and on exported ones."""

import json
from pathlib import Path
import subprocess

import pytest

from custom_components.v2g_vpp.domain.ledger import EntryKind
from custom_components.v2g_vpp.domain.ledger_export import to_csv, to_json
from custom_components.v2g_vpp.ledger_file import LedgerFile
from custom_components.v2g_vpp.pki.signing import verify_signature
from script.rig.ledger_file_check import main
from tests.domain.test_ledger import AT, HOME, OWNER, THIEF
from tests.repository import ROOT


@pytest.fixture
def on_disk(tmp_path: Path) -> Path:
    path = tmp_path / "v2g_vpp.ledger.evening-peak.jsonl"
    ledger = LedgerFile(path, OWNER, HOME, verify_signature)
    ledger.open(AT)
    for number in range(3):
        body = {"event_id": f"event-{number}", "delivered_wh": 4900}
        ledger.append(EntryKind.EVENT_REPORT, AT, body)
    entries, seal = ledger.read()
    (tmp_path / "export.json").write_text(json.dumps(to_json(entries, seal, AT)))
    (tmp_path / "export.csv").write_text(to_csv(entries, seal), newline="")
    return path


@pytest.mark.parametrize(
    "name", ["v2g_vpp.ledger.evening-peak.jsonl", "export.json", "export.csv"]
)
def test_what_was_changed_is_told(
    on_disk: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = on_disk.with_name(name)
    assert main([str(path)]) == 0
    assert capsys.readouterr().out == (
        f"good: 4 entries, signed with key {HOME.public_key.hex()}\n"
    )
    assert main([str(path), "--key", THIEF.public_key.hex()]) == 1
    assert "entry 1 (number 0) is of another home" in capsys.readouterr().out
    path.write_bytes(path.read_bytes().replace(b"event-1", b"event-7"))
    assert main([str(path)]) == 1
    assert "changed: entry 3" in capsys.readouterr().out


def test_what_was_cut_off_is_told(
    on_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = on_disk.read_bytes().splitlines(keepends=True)
    on_disk.write_bytes(b"".join(lines[:-1]))
    assert main([str(on_disk)]) == 1
    assert "cut off at the end" in capsys.readouterr().out
    on_disk.with_name(f"{on_disk.name}.seal").write_text("x")
    assert main([str(on_disk)]) == 2


def test_what_is_no_ledger_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "missing")]) == 2
    (tmp_path / "x.json").write_text("[]")
    assert main([str(tmp_path / "x.json")]) == 2
    assert "not an exported ledger" in capsys.readouterr().err


def test_the_command_says_what_it_found(on_disk: Path) -> None:
    done = subprocess.run(
        [ROOT / "script" / "ledger", "verify", str(on_disk)],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("good: 4 entries")
