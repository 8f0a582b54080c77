"""The reports: everything is in them, and nothing comes from elsewhere."""

from datetime import UTC, datetime, timedelta
import json
from pathlib import Path
import re
from typing import Any

import pytest

from conformance.__main__ import main
from conformance.case import Outcome, Verdict
from conformance.report import Run, to_html, write
from conformance.transcript import Message, Speaker

BEGAN = datetime(2026, 11, 23, 17, tzinfo=UTC)


def outcome(case_id: str, verdict: Verdict) -> Outcome:
    told = Message(
        speaker=Speaker.KIT,
        topic="v2gvpp/v1/north/home-1/dn/command",
        payload=b'{"note":"<script>alert(1)</script>"}' + b"x" * 5000,
        at=BEGAN,
    )
    return Outcome(
        case_id=case_id,
        rule="Rule 1",
        done="Publish <b>something</b>.",
        expected="Nothing.",
        verdict=verdict,
        seen=f"<i>{verdict}</i>",
        began_at=BEGAN,
        took_s=1.5,
        evidence=(told,),
    )


def run_of(*verdicts: Verdict) -> Run:
    return Run(
        mode="home",
        subject="north--home-1",
        began_at=BEGAN,
        ended_at=BEGAN + timedelta(seconds=9),
        outcomes=[outcome(f"case-{n}", v) for n, v in enumerate(verdicts)],
    )


def test_page_is_one_file_and_runs_nothing_of_a_message() -> None:
    page = to_html(run_of(*Verdict))
    assert "<script" not in page
    places = re.findall(r"(?:src|href)=[\"']?([^\"' >]*)", page)
    assert all(place.startswith("#") for place in places)
    assert "url(" not in page
    assert "@import" not in page
    assert "<!--" not in page
    assert "1 case failed." in page
    for number in range(len(Verdict)):
        assert f'id="case-{number}"' in page


def test_json_has_every_case_with_its_evidence(tmp_path: Path) -> None:
    as_json, as_html = write(run_of(Verdict.PASS, Verdict.NOT_OFFERED), tmp_path)
    document: dict[str, Any] = json.loads(as_json.read_text())
    assert document["passed"] is True
    assert document["counts"] == {
        "pass": 1,
        "fail": 0,
        "not offered": 1,
        "inconclusive": 0,
    }
    evidence = document["cases"][0]["evidence"][0]
    assert evidence["at"] == "2026-11-23T17:00:00.000Z"
    assert evidence["payload"].endswith("bytes)")
    assert "Nothing failed." in as_html.read_text()


def test_wrong_files_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "none.json"
    assert main(["home", "--invitation", str(missing), "--data", str(tmp_path)]) == 2
    assert str(missing) in capsys.readouterr().err
    missing.write_text("{}")
    assert main(["home", "--invitation", str(missing), "--data", str(tmp_path)]) == 2
    assert "invitation" in capsys.readouterr().err
