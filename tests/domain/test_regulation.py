"""The score of following a signal leaves out what was not measured."""

import math

import pytest

from custom_components.v2g_vpp.domain.regulation import is_flat, regulation_score

WAVE = [5000 * math.sin(number / 7) for number in range(120)]


def test_a_perfect_answer_scores_one() -> None:
    score = regulation_score(WAVE, WAVE)
    assert score is not None
    assert score.total == pytest.approx(1.0)


def test_no_whole_window_has_no_score() -> None:
    assert regulation_score(WAVE[:59], WAVE[:59]) is None
    assert regulation_score([], []) is None
    assert regulation_score(WAVE[:60], WAVE[:60]) is not None


def test_a_gap_takes_its_windows_out_and_is_not_filled() -> None:
    gap: list[float | None] = [*WAVE]
    gap[45] = None
    # Windows 0 and 1 need sample 45, window 2 does not.
    wrong: list[float | None] = [0.0] * 60
    score = regulation_score(WAVE, [*wrong[:45], None, *wrong[46:], *WAVE[60:]])
    assert score is not None
    assert score.total == pytest.approx(1.0)
    assert regulation_score(WAVE, [None] * 120) is None


def test_a_late_answer_loses_by_its_delay() -> None:
    # Alternating blocks of a length without a pattern: only one shift fits.
    steps = [5000.0 if (number**2 // 7) % 3 else -5000.0 for number in range(120)]
    score = regulation_score(steps, [0.0, 0.0, *steps[:-2]])
    assert score is not None
    assert score.delay == pytest.approx(1 - 20 / 300, abs=0.02)


def test_a_signal_that_rests_is_flat() -> None:
    assert is_flat([])
    assert is_flat([None])
    assert is_flat([-5000.0, None, -5000.0])
    assert not is_flat([-5000.0, -4999.0])
