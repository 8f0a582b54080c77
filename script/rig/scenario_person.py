"""The owner and the site of a scenario at a live Home Assistant: a person."""

from collections.abc import Callable


class Person:
    """Is told what to do and what to look at; nobody can check that for them."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        """Tell a person by printing, or otherwise."""
        self._tell = tell
        self._asked: set[tuple[str, int]] = set()

    async def do(self, text: str, evse_id: int) -> None:
        """Ask the person to do what the owner does."""
        self._tell(f"   >>> now you, in Home Assistant: {text} (EVSE {evse_id})")

    def is_so(self, text: str, evse_id: int) -> bool:
        """Ask the person to look; what the station sees decides."""
        if (text, evse_id) not in self._asked:
            self._asked.add((text, evse_id))
            self._tell(f"   >>> look at Home Assistant: {text} (EVSE {evse_id})?")
        return True
