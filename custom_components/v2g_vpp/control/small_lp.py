"""A linear programme small enough for pure Python: a few powers under a few limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

EPSILON = 1e-9

LARGEST_BLAND_FREE = 200
"""Pivots after which the rule of Bland, which cannot cycle, takes over."""


def maximize(
    values: Sequence[float],
    uppers: Sequence[float],
    rows: Sequence[Sequence[float]],
    limits: Sequence[float],
) -> list[float]:
    """Return the powers of the largest value that keep every limit.

    The primal simplex of Dantzig with bounded variables; 0 keeps every limit, so it
    begins there.

    Args:
        values: per unit of each power.
        uppers: of each power, >= 0; the lower bound is 0.
        rows: per limit the coefficient of each power, >= 0.
        limits: of each row, >= 0.
    """
    table = _Table(
        table=[list(row) for row in rows],
        right=list(limits),
        gains=list(values),
        columns=list(range(len(values))),
        basis=list(range(len(values), len(values) + len(rows))),
        uppers=[*uppers, *([inf] * len(rows))],
        is_flipped=[False] * (len(values) + len(rows)),
    )
    pivots = 0
    while (column := table.entering(is_bland=pivots > LARGEST_BLAND_FREE)) is not None:
        table.move(column)
        pivots += 1
    return table.solution(len(values))


@dataclass(slots=True)
class _Table:
    """Rows of what is basic over what is not; a flipped one counts from its upper."""

    table: list[list[float]]
    right: list[float]
    gains: list[float]
    columns: list[int]
    basis: list[int]
    uppers: list[float]
    is_flipped: list[bool]

    def entering(self, *, is_bland: bool) -> int | None:
        """Return the column that gains most, None when none gains."""
        best, found = EPSILON, None
        for column, gain in enumerate(self.gains):
            if gain > best:
                found = column
                if is_bland:
                    return found
                best = gain
        return found

    def move(self, column: int) -> None:
        """Raise the variable of a column as far as the bounds of all others allow."""
        variable = self.columns[column]
        step, leaving, is_at_upper = self.uppers[variable], None, False
        for index, row in enumerate(self.table):
            pivot = row[column]
            if pivot > EPSILON:
                room = self.right[index] / pivot
                is_upper = False
            elif pivot < -EPSILON:
                room = (self.uppers[self.basis[index]] - self.right[index]) / -pivot
                is_upper = True
            else:
                continue
            if room < step:
                step, leaving, is_at_upper = room, index, is_upper
        if leaving is None:
            self._flip_column(column)
            return
        if is_at_upper:
            self._flip_row(leaving)
        self._pivot(leaving, column)

    def solution(self, count: int) -> list[float]:
        """Return the values of the first ``count`` variables."""
        values = [
            upper if is_flipped else 0.0
            for upper, is_flipped in zip(
                self.uppers[:count], self.is_flipped[:count], strict=True
            )
        ]
        for variable, right in zip(self.basis, self.right, strict=True):
            if variable < count:
                upper = self.uppers[variable]
                value = upper - right if self.is_flipped[variable] else right
                values[variable] = min(max(0.0, value), upper)
        return values

    def _flip_column(self, column: int) -> None:
        variable = self.columns[column]
        upper = self.uppers[variable]
        for index, row in enumerate(self.table):
            self.right[index] -= row[column] * upper
            row[column] = -row[column]
        self.gains[column] = -self.gains[column]
        self.is_flipped[variable] = not self.is_flipped[variable]

    def _flip_row(self, index: int) -> None:
        variable = self.basis[index]
        self.table[index] = [-value for value in self.table[index]]
        self.right[index] = self.uppers[variable] - self.right[index]
        self.is_flipped[variable] = not self.is_flipped[variable]

    def _pivot(self, leaving: int, column: int) -> None:
        row = self.table[leaving]
        pivot = row[column]
        row = [value / pivot for value in row]
        row[column] = 1.0 / pivot
        self.table[leaving] = row
        self.right[leaving] /= pivot
        for index, other in enumerate(self.table):
            factor = other[column]
            if index == leaving or factor == 0:
                continue
            changed = [a - factor * b for a, b in zip(other, row, strict=True)]
            changed[column] = -factor / pivot
            self.table[index] = changed
            self.right[index] -= factor * self.right[leaving]
        factor = self.gains[column]
        self.gains = [a - factor * b for a, b in zip(self.gains, row, strict=True)]
        self.gains[column] = -factor / pivot
        self.columns[column], self.basis[leaving] = (
            self.basis[leaving],
            self.columns[column],
        )
