"""Meters of the home at the site: what they report reaches control."""

import pytest

from custom_components.v2g_vpp.control.discharge import DischargeCoordinator
from custom_components.v2g_vpp.control.inputs import SiteInputs
from custom_components.v2g_vpp.domain.measurement import Reading
from custom_components.v2g_vpp.domain.site_meters import SiteMeter, SiteWiring
from tests.site.home import Home
from tests.site.virtual_time import in_virtual_time


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[SiteInputs]:
    """Return what the discharge coordinator was told of the home, tick by tick."""
    told: list[SiteInputs] = []
    step = DischargeCoordinator.step

    def watched(self, evses, site, now_mono_s):  # type: ignore[no-untyped-def]  # as in the class
        told.append(site)
        return step(self, evses, site, now_mono_s)

    monkeypatch.setattr(DischargeCoordinator, "step", watched)
    return told


def report(home: Home, meter: SiteMeter, value: float) -> None:
    home.site.post_meter(
        meter,
        Reading(
            value=value,
            received_mono_s=home.clock.monotonic(),
            taken_at=home.clock.utcnow(),
        ),
    )


@in_virtual_time
async def test_what_a_meter_reports_reaches_control_in_a_moment(
    seen: list[SiteInputs],
) -> None:
    async with Home() as home:
        wiring = SiteWiring(fuse_a=25.0)
        home.site.use_wiring(wiring)
        home.site.use_meters([SiteMeter.GRID])
        await home.run(1)
        assert seen[-1].wiring == wiring
        assert seen[-1].meters is not None
        assert seen[-1].meters.grid_w(home.clock.monotonic()) is None
        report(home, SiteMeter.GRID, 700.0)
        report(home, SiteMeter.SOLAR, 1.0)
        await home.run(0.2)
        assert seen[-1].meters is not None
        assert seen[-1].meters.grid_w(home.clock.monotonic()) == 700.0
        assert seen[-1].meters.solar is None, "the home has none"


@in_virtual_time
async def test_other_meters_keep_what_they_said_and_no_meter_is_none(
    seen: list[SiteInputs],
) -> None:
    async with Home() as home:
        report(home, SiteMeter.GRID, 1.0)
        home.site.use_meters([SiteMeter.GRID])
        report(home, SiteMeter.GRID, 700.0)
        home.site.use_meters([SiteMeter.GRID, SiteMeter.BATTERY])
        await home.run(1)
        assert seen[-1].meters is not None
        assert seen[-1].meters.grid_w(home.clock.monotonic()) == 700.0
        home.site.use_meters([])
        home.site.use_wiring(None)
        await home.run(1)
        assert seen[-1].meters is None
        assert seen[-1].wiring is None


@in_virtual_time
async def test_one_phase_has_its_fuse_margin_without_a_meter_per_phase() -> None:
    async with Home() as home:
        home.site.use_wiring(SiteWiring(fuse_a=40.0, phase_count=1))
        home.site.use_meters([SiteMeter.GRID])
        report(home, SiteMeter.GRID, 2_300.0)
        await home.run(1)
        meters = home.site.snapshot.meters
        assert meters is not None
        assert meters.fuse_margins_a == (30.0,)

        # Of three phases one total says nothing about any of them.
        home.site.use_wiring(SiteWiring(fuse_a=40.0, phase_count=3))
        await home.run(1)
        meters = home.site.snapshot.meters
        assert meters is not None
        assert meters.fuse_margins_a == ()
