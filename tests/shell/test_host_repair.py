"""A home that is too slow is a repair, until it is quick enough."""

from collections.abc import Callable
from dataclasses import replace

from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import issue_registry as ir

from custom_components.v2g_vpp.const import DOMAIN
from custom_components.v2g_vpp.domain.loop_lag import LoopLook
from custom_components.v2g_vpp.domain.ports import Unsubscribe
from custom_components.v2g_vpp.domain.snapshot import SiteSnapshot
from custom_components.v2g_vpp.host_repair import HOST_LATE, async_watch_host
from tests.shell.home import Home


class Pictures:
    """Shows one picture after the other."""

    def __init__(self) -> None:
        self.snapshot = SiteSnapshot()
        self.listeners: list[Callable[[SiteSnapshot], None]] = []

    def subscribe(self, listener: Callable[[SiteSnapshot], None]) -> Unsubscribe:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def show(self, *, is_late: bool) -> None:
        self.snapshot = replace(self.snapshot, is_host_late=is_late)
        for listener in self.listeners:
            listener(self.snapshot)


def shown(hass: HomeAssistant) -> ir.IssueEntry | None:
    return ir.async_get(hass).async_get_issue(DOMAIN, HOST_LATE)


async def test_a_slow_home_is_a_repair_until_it_is_in_time(hass: HomeAssistant) -> None:
    pictures = Pictures()
    end = async_watch_host(hass, pictures)
    assert shown(hass) is None
    pictures.show(is_late=True)
    issue = shown(hass)
    assert issue is not None
    assert issue.translation_placeholders == {"late": "250"}
    assert not issue.is_fixable
    pictures.show(is_late=False)
    assert shown(hass) is None
    pictures.show(is_late=True)
    assert shown(hass) is not None
    end()
    assert shown(hass) is None
    assert not pictures.listeners


async def test_the_start_of_home_assistant_is_no_repair(hass: HomeAssistant) -> None:
    hass.set_state(CoreState.starting)
    pictures = Pictures()
    end = async_watch_host(hass, pictures)
    pictures.show(is_late=True)
    assert shown(hass) is None
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await hass.async_block_till_done()
    assert shown(hass) is not None, "it is still so"
    pictures.show(is_late=False)
    assert shown(hass) is None
    end()


async def test_the_home_itself_raises_it_and_the_outlet_tells_why(
    hass: HomeAssistant, home: Home
) -> None:
    await home.connect()
    await home.plug_in()
    lag = home.site._host._lag
    for number in range(50):
        due_s = 10.0 * number
        lag.note(LoopLook(due_mono_s=due_s, ran_mono_s=due_s + 1.0))
    await home.tick()
    assert shown(hass) is not None
    assert home.state("sensor", "discharge_blocked_by").state == HOST_LATE
    for number in range(100):
        due_s = 500.0 + number
        lag.note(LoopLook(due_mono_s=due_s, ran_mono_s=due_s))
    await home.tick()
    assert shown(hass) is None
    assert home.state("sensor", "discharge_blocked_by").state != HOST_LATE
