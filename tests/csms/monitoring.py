"""A scripted station that watches its own parts."""

from dataclasses import dataclass, field
from typing import Any

from tests.csms.charger import INVENTORY, Charger, row
from tests.csms.peer import NOW, Answer, Dialler, Payload, Rig

WATCHED = (
    row("RCD", "Tripped", "false", evse=1, supportsMonitoring=True),
    row(
        "TemperatureSensor",
        "Temperature",
        "25",
        evse=1,
        component_instance="Handle",
        supportsMonitoring=True,
    ),
    row("ConnectedEV", "Available", "true", evse=1, supportsMonitoring=True),
    row("EVSE", "Power", "0", evse=1, maxLimit=11000, supportsMonitoring=True),
    row("PowerContactor", "Active", "false", evse=1, supportsMonitoring=False),
    row("Clock", "DateTime", NOW, supportsMonitoring=True),
)


@dataclass
class Monitoring:
    """The monitors of a scripted station."""

    charger: Charger
    held: list[Payload] = field(default_factory=list)
    refuses: bool = False

    def __post_init__(self) -> None:
        self.charger.peer.responders |= {
            "GetMonitoringReport": self._report,
            "SetVariableMonitoring": self._set,
            "AdjustPeriodicEventStream": lambda _: {"status": "Accepted"},
            "SetMonitoringLevel": lambda _: {"status": "Accepted"},
        }

    def _report(self, payload: Payload) -> Answer:
        if not self.held:
            return {"status": "EmptyResultSet"}
        self.charger.peer.after_answer.append(
            (
                "NotifyMonitoringReport",
                {
                    "requestId": payload["requestId"],
                    "seqNo": 0,
                    "generatedAt": NOW,
                    "monitor": [_told(item) for item in self.held],
                },
            )
        )
        return {"status": "Accepted"}

    def _set(self, payload: Payload) -> Answer:
        results = []
        for item in payload["setMonitoringData"]:
            number = item.get("id", 100 + len(self.held))
            if not self.refuses:
                self.held = [held for held in self.held if held["id"] != number]
                self.held.append({**item, "id": number})
            results.append(
                {
                    **{k: item[k] for k in ("component", "variable", "type")},
                    "severity": item["severity"],
                    **({} if self.refuses else {"id": number}),
                    "status": "UnsupportedMonitorType" if self.refuses else "Accepted",
                }
            )
        return {"setMonitoringResult": results}


def _told(item: Payload) -> Payload:
    return {
        "component": item["component"],
        "variable": item["variable"],
        "variableMonitoring": [
            {
                "id": item["id"],
                "transaction": False,
                "value": item["value"],
                "type": item["type"],
                "severity": item["severity"],
                "eventNotificationType": "CustomMonitor",
            }
        ],
    }


async def monitored(
    rig: Rig, dialler: Dialler, protocol: str = "ocpp2.1", *more: Payload
) -> Monitoring:
    """Return a station that has its monitors."""
    charger = Charger(
        await dialler.dial((protocol,)), inventory=(*INVENTORY, *WATCHED, *more)
    )
    monitoring = Monitoring(charger)
    await charger.boot()
    await charger.peer.request("SetVariableMonitoring")
    await charger.peer.until(lambda: len(monitoring.held) >= wanted(protocol))
    return monitoring


def wanted(protocol: str) -> int:
    return 4 if protocol == "ocpp2.1" else 3


def event(component: str, variable: str, value: str, **more: Any) -> Payload:
    named: Payload = {"name": component, "evse": {"id": 1}}
    instance = more.pop("instance", None)
    named |= {"instance": instance} if instance else {}
    of_variable = more.pop("variable_instance", None)
    return {
        "generatedAt": NOW,
        "seqNo": 0,
        "eventData": [
            {
                "eventId": 1,
                "timestamp": NOW,
                "trigger": "Delta",
                "eventNotificationType": "CustomMonitor",
                "actualValue": value,
                "component": named,
                "variable": {
                    "name": variable,
                    **({"instance": of_variable} if of_variable else {}),
                },
                **more,
            }
        ],
    }
