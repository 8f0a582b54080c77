"""What a rehearsal home says of its plant, as messages of the contract."""

from datetime import timedelta

from ..messages import (
    Availability,
    Fingerprint,
    Offer,
    ResourceAvailability,
    ResourceOffer,
    ResourceTelemetry,
    SiteAvailability,
    Telemetry,
)
from ..outbox import Envelope
from .plant import Plant, PlantFacts

RESOURCE = "CS1/1"
AVAILABILITY_LIFE = timedelta(minutes=15)
"""VPP contract: the longest life of an availability."""


def offer(envelope: Envelope, programme_id: str, facts: PlantFacts) -> Offer:
    """Return the nameplate."""
    fingerprint = Fingerprint(
        dead_time_s=facts.dead_time_s,
        ramp_w_per_s=facts.ramp_w_per_s,
        resolution_w=1,
        is_measured=True,
    )
    resource = ResourceOffer(
        resource=RESOURCE,
        max_charge_power_w=facts.charge_w,
        max_discharge_power_w=facts.discharge_w,
        minimum_power_w=facts.minimum_w,
        fingerprint=fingerprint,
        setpoint_interval_s=facts.setpoint_interval_s,
        deadman_s=60,
        failsafe_s=30,
        guarantee="station_declared",
        metering_point="evse",
        meter_class="estimated",
    )
    return Offer(
        **envelope,
        programme_id=programme_id,
        is_opted_in=True,
        clock_quality_ms=1,
        resources=(resource,),
    )


def availability(envelope: Envelope, plant: Plant, *, is_away: bool) -> Availability:
    """Return what the plant would do now; nothing while the vehicle is away."""
    site = SiteAvailability(
        lowest_w=0 if is_away else plant.lowest_w,
        highest_w=0 if is_away else plant.highest_w,
        deliverable_wh=0 if is_away else plant.deliverable_wh,
        absorbable_wh=0 if is_away else plant.absorbable_wh,
    )
    resource = ResourceAvailability(
        resource=RESOURCE,
        lowest_w=site.lowest_w,
        highest_w=site.highest_w,
        dead_band_w=plant.facts.minimum_w,
        deliverable_wh=site.deliverable_wh,
        absorbable_wh=site.absorbable_wh,
        until=envelope["ts"] + AVAILABILITY_LIFE,
        why=("vehicle",) if is_away else (),
    )
    return Availability(**envelope, resources=(resource,), site=site)


def telemetry(envelope: Envelope, plant: Plant, command_id: str | None) -> Telemetry:
    """Return what the meter says now."""
    power_w = plant.measured_w()
    state = "charging" if power_w > 0 else "discharging" if power_w else "idle"
    resource = ResourceTelemetry(
        resource=RESOURCE,
        state=state,
        power_w=power_w,
        charged_wh=int(plant.charged_wh),
        discharged_wh=int(plant.discharged_wh),
        quality="good",
    )
    return Telemetry(
        **envelope,
        power_w=power_w,
        frequency_mhz=None,
        command_id=command_id,
        quality="good",
        resources=(resource,),
    )
