"""What the meters of the home tell, and how the home is wired."""

from abc import abstractmethod
from collections.abc import Iterable

from ..domain.grid_profile import GridProfile
from ..domain.ids import VehicleId
from ..domain.measurement import Reading
from ..domain.policy import SolarPolicy
from ..domain.site_meters import SiteMeter, SiteMeters, SiteWiring
from .registry import Registry


class MeterDoor:
    """Takes readings in the signs of ``domain/site_meters.py``; keeps the last ones."""

    _registry: Registry

    def use_wiring(self, wiring: SiteWiring | None) -> None:
        """Take over how the home is wired; None: nothing is known of it."""
        self._registry.wiring = wiring
        self._wake()

    def use_solar(self, policy: SolarPolicy) -> None:
        """Take over how the mode solar follows clouds."""
        self._registry.solar = policy
        self._wake()

    def use_grid_profile(self, profile: GridProfile) -> None:
        """Take over what the region asks of a generator."""
        self._registry.grid_profile = profile
        self._wake()

    def use_grid_support(self, *, is_wanted: bool) -> None:
        """Take over whether what rests follows the frequency of the grid."""
        self._registry.is_supporting_grid = is_wanted
        self._wake()

    def use_meters(self, meters: Iterable[SiteMeter]) -> None:
        """Say which meters the home has; one that stays keeps what it reported.

        A meter that the home has and that is silent stops all that relies on it, so
        one whose reports are not passed on must not be named here.
        """
        wanted = frozenset(meters)
        known = self._registry.meters or SiteMeters()
        self._registry.meters = known.kept(wanted) if wanted else None
        self._wake()

    def post_meter(self, meter: SiteMeter, reading: Reading | None) -> None:
        """Take a report of a meter; control follows soon.

        Args:
            meter: one that ``use_meters`` named; others are ignored.
            reading: in the sign of ``domain/site_meters.py``; None: unavailable.
        """
        meters = self._registry.meters
        if meters is None or meters.meter(meter) is None:
            return
        self._registry.meters = meters.updated_by(meter, reading)
        self._wake_soon()

    def post_temperature(self, vehicle_id: VehicleId, reading: Reading | None) -> None:
        """Take what a sensor of a vehicle says; control follows in its turn.

        Args:
            vehicle_id: of a vehicle of the home; others are ignored.
            reading: of its battery, or outside, °C; None: nothing is known.
        """
        vehicle = self._registry.vehicles.get(vehicle_id)
        if vehicle is not None:
            vehicle.temperature_c = reading

    @abstractmethod
    def _wake(self) -> None:
        """Let control run at once."""

    @abstractmethod
    def _wake_soon(self) -> None:
        """Let control run in its turn."""
