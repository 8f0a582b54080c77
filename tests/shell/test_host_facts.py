"""What is told of the computer is what it says, and unknown where it says nothing."""

from pathlib import Path
import platform

import pytest

from custom_components.v2g_vpp.host_facts import HostFacts, preemption, read


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("#1 SMP PREEMPT_DYNAMIC Debian 6.12.9-1 (2026-01-01)", "PREEMPT_DYNAMIC"),
        ("#1 SMP PREEMPT_RT Tue Jan 6 12:00:00 UTC 2026", "PREEMPT_RT"),
        ("#1 SMP PREEMPT Tue Jan 6 12:00:00 UTC 2026", "PREEMPT"),
        ("#1 SMP Tue Jan 6 12:00:00 UTC 2026", "unknown"),
        ("Darwin Kernel Version 25.1.0", "unknown"),
        ("", "unknown"),
    ],
)
def test_the_kernel_tells_its_model_or_nobody_knows_it(
    tmp_path: Path, version: str, expected: str
) -> None:
    assert preemption(version, tmp_path / "realtime") == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"1\n", "PREEMPT_RT"), (b"0\n", "PREEMPT"), (b"\xff\xfe", "PREEMPT")],
)
def test_real_time_patches_tell_themselves(
    tmp_path: Path, content: bytes, expected: str
) -> None:
    told = tmp_path / "realtime"
    told.write_bytes(content)
    assert preemption("#1 SMP PREEMPT", told) == expected


def test_this_computer_tells_its_kernel() -> None:
    facts = read()
    assert platform.release() in facts.kernel
    assert facts == HostFacts(
        kernel=facts.kernel, preemption=preemption(platform.version())
    )
