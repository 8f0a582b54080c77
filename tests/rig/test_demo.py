"""The demo says in one line why it cannot start."""

from pathlib import Path
import socket

import pytest

from script.rig.demo import EXIT_MISSING, main


@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.parametrize("mode", [[], ["--check"]], ids=["demo", "check"])
def test_taken_port_is_named_with_the_way_out(
    mode: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert main([*mode, "--port", str(port)]) == EXIT_MISSING
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"port {port} is in use" in said
    assert "--port" in said


def test_folder_that_is_not_empty_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(SystemExit):
        main(["--keep", str(tmp_path)])
    assert "is not empty" in capsys.readouterr().err
    assert (tmp_path / "mine.txt").read_text() == "keep me"
