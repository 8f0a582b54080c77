"""Ending tasks."""

import asyncio


async def ended(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait for its end; who waits may be cancelled meanwhile.

    Raises:
        Exception: what the task had failed with.
    """
    task.cancel()
    # Not awaited with its cancellation suppressed: that would swallow our own as well.
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()
