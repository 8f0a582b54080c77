"""The program as a utility starts it: an invitation, a data directory, a home."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from aggregator.__main__ import main
from custom_components.v2g_vpp.pki.request import create_client_request
from custom_components.v2g_vpp.pki.tls import client_context
from script.rig.broker import Broker, BrokerFiles
from script.rig.processes import free_port
from tests.repository import ROOT
from tests.vpp.actors import HOME, REGION

from .home import LinkedHome

pytestmark = pytest.mark.slow


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main(arguments) == 0
    return capsys.readouterr().out


async def test_program_tests_a_home_behind_its_relay_and_writes_both_reports(
    tmp_path: Path, socket_enabled: None, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = tmp_path / "data", tmp_path / "reports"
    printed(capsys, "init", "--data", str(data), "--region", REGION)
    relay = free_port()
    invitation = json.loads(
        printed(
            *(capsys, "invite", "--data", str(data), "--home", HOME),
            *("--broker", f"127.0.0.1:{relay}", "--enrol", "127.0.0.1:9"),
        )
    )
    made = create_client_request(f"{REGION}--{HOME}")
    files = {"csr": tmp_path / "home.csr", "invitation": tmp_path / "invitation.json"}
    files["csr"].write_text(made.csr_pem)
    files["invitation"].write_text(json.dumps(invitation))
    certificate = printed(
        *(capsys, "enrol", "--data", str(data), "--home", HOME),
        *("--csr", str(files["csr"])),
    )
    context = client_context(invitation["broker_root_pem"], certificate, made.key_pem)
    with Broker(tmp_path / "broker", BrokerFiles.in_data_directory(data)) as broker:
        kit = await asyncio.create_subprocess_exec(
            *(ROOT / "script" / "conformance", "home"),
            *("--invitation", files["invitation"], "--data", data),
            *("--broker", f"127.0.0.1:{broker.port}", "--out", out),
            *("--only", "session-birth", "--only", "session-will"),
            *("--only", "gate-old-epoch", "--only", "all-form"),
            stdout=asyncio.subprocess.PIPE,
        )
        keys = invitation["aggregator_keys"]
        directory = tmp_path / "home"
        directory.mkdir()
        async with LinkedHome(relay, context, directory, aggregator_keys=keys):
            output, _ = await kit.communicate()
    text = output.decode()
    assert kit.returncode == 0, text
    assert "session-will" in text
    report: dict[str, Any] = json.loads((out / "conformance-home.json").read_text())
    assert report["passed"] is True
    verdicts = {one["id"]: one["verdict"] for one in report["cases"]}
    assert len(verdicts) == 4
    assert set(verdicts.values()) == {"pass"}
    assert "Nothing failed." in (out / "conformance-home.html").read_text()
    term = json.loads((data / "leadership.json").read_text())["epoch"]
    assert term == 2, "the aggregator goes on above what the home has heard"
