"""Grid settings as a part of the station."""

from ..features import Feature
from ..hardware import Hardware
from ..jobs import Jobs
from .handlers import DerHandlers
from .teller import DerTeller


def grid_settings(hardware: Hardware, jobs: Jobs, teller: DerTeller) -> Feature:
    """Return the feature; its variables join the device model."""
    return Feature(
        handlers=(DerHandlers(hardware, jobs),),
        loops=(teller.outbox.run,),
        look=teller.look,
    )
