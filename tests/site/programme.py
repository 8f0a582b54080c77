"""A programme's link that only listens."""

from dataclasses import dataclass, field
from typing import override

from custom_components.v2g_vpp.domain.dispatch import AckStatus, DispatchAck
from custom_components.v2g_vpp.domain.ports import ProgrammePort
from custom_components.v2g_vpp.domain.snapshot import SiteSnapshot


@dataclass(slots=True, kw_only=True)
class RecordingProgramme(ProgrammePort):
    """The link of one programme: everything that the home told."""

    acks: list[DispatchAck] = field(default_factory=list)
    pictures: int = 0

    @override
    def send_ack(self, ack: DispatchAck) -> None:
        self.acks.append(ack)

    @override
    def publish(self, snapshot: SiteSnapshot) -> None:
        self.pictures += 1

    def told(self, order_id: str) -> list[AckStatus]:
        """Return what was told about an order after its verdict."""
        return [ack.status for ack in self.acks if ack.order_id == order_id]
