"""Opening, feeding and closing event streams on a link."""

from ..hardware import Hardware
from ..ocpp_package import call
from ..peer import Peer
from ..wakeup import Signal
from .streams import Stream, Streams

STREAM_MESSAGE = "NotifyPeriodicEventStream"


class StreamTeller:
    """Sends what the streams have, on whichever link."""

    def __init__(self, hardware: Hardware, changed: Signal, streams: Streams) -> None:
        """Serve the streams of a station."""
        self._hardware = hardware
        self._changed = changed
        self._streams = streams

    async def settle(self, peer: Peer) -> None:
        """Open what is wanted and close what ended, until the link is gone."""
        while True:
            ended, unopened = self._streams.ended, self._streams.unopened
            if ended is not None:
                await self._close(peer, ended)
            elif unopened is not None:
                await self._open(peer, unopened)
            else:
                await self._changed.wait()

    async def feed(self, peer: Peer) -> None:
        """Flush what is due, until the link is gone; no answer is waited for."""
        while True:
            now = self._hardware.now()
            due = [stream for stream in self._streams if stream.is_due(now)]
            if not due:
                await self._changed.wait()
            for stream in due:
                await peer.send(STREAM_MESSAGE, stream.flush(now))

    async def _open(self, peer: Peer, stream: Stream) -> None:
        answer = await peer.tell(
            call.OpenPeriodicEventStream(constant_stream_data=stream.constant_data())
        )
        if answer is not None and answer["status"] == "Accepted":
            self._streams.opened(stream, self._hardware.now())
        else:
            self._streams.refused(stream)

    async def _close(self, peer: Peer, stream: Stream) -> None:
        while stream.buffer:
            # Everything that is left goes before the end (N13.FR.03).
            await peer.send(STREAM_MESSAGE, stream.flush(self._hardware.now()))
        await peer.tell(call.ClosePeriodicEventStream(id=stream.stream_id))
        self._streams.end_told()
