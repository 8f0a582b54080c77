"""Transaction numbers: 1.6 lets the CSMS give them."""

UNKNOWN = "unknown"
"""What stands for a number that names no transaction of this station."""

NOT_NUMBERED = -1
"""Number of a transaction whose start the CSMS never answered (1.6 errata 3.18)."""


class TransactionNumbers:
    """Which number stands for which transaction of the station."""

    def __init__(self) -> None:
        """Start with none."""
        self._numbers: dict[str, int] = {}

    def give(self, transaction_id: str, number: int) -> None:
        """Note the answer to a start."""
        self._numbers[transaction_id] = number

    def number_of(self, transaction_id: str) -> int:
        """Return the number of a transaction."""
        return self._numbers.get(transaction_id, NOT_NUMBERED)

    def transaction_of(self, number: int) -> str:
        """Return the transaction of a number."""
        return next(
            (id_ for id_, given in self._numbers.items() if given == number), UNKNOWN
        )

    def forget(self, transaction_id: str) -> None:
        """Drop the number of a transaction whose end was told."""
        self._numbers.pop(transaction_id, None)
