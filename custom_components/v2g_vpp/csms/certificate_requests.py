"""Requests about the certificates that a station has installed, on every version."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..domain.certificates import (
    CertificateId,
    CertificateUse,
    DeleteCertificate,
    InstallCertificate,
    ReadCertificates,
    serial_of,
)
from ..domain.errors import AuthorityInvalid, CertificateInUse, UnknownTarget
from ..domain.requests import StationAnswer
from ..domain.setpoint import WriteResult, WriteStatus
from .calls import CallEnd, CallOutcome
from .link import StationLink
from .setpoints import result_of
from .station import Station
from .versions import V16

_READ: Final = "GetInstalledCertificateIds"
_USES_2: Final[Mapping[CertificateUse, str]] = {
    CertificateUse.CSMS_ROOT: "CSMSRootCertificate",
    CertificateUse.MANUFACTURER_ROOT: "ManufacturerRootCertificate",
}
_USES_16: Final[Mapping[CertificateUse, str]] = {
    CertificateUse.CSMS_ROOT: "CentralSystemRootCertificate",
    CertificateUse.MANUFACTURER_ROOT: "ManufacturerRootCertificate",
}
_SHOWN_USES: Final[Mapping[str, str]] = {
    "CSMSRootCertificate": CertificateUse.CSMS_ROOT,
    "CentralSystemRootCertificate": CertificateUse.CSMS_ROOT,
    "ManufacturerRootCertificate": CertificateUse.MANUFACTURER_ROOT,
    "V2GRootCertificate": "v2g_root",
    "MORootCertificate": "mobility_operator_root",
    "OEMRootCertificate": "vehicle_maker_root",
    "V2GCertificateChain": "v2g_chain",
}
"""What is shown for the names of all versions; the last ones are never installed by
this product, but may be there."""

_ACCEPTED: Final = WriteResult(status=WriteStatus.ACCEPTED)


class CertificateRequests:
    """What one station on one link is asked about certificates.

    Every method raises nothing but what it names; then nothing was changed.
    """

    def __init__(self, station: Station, link: StationLink) -> None:
        """Take the station and its link."""
        self._station, self._link, self._home = station, link, station.home

    async def ask(
        self, request: ReadCertificates | InstallCertificate | DeleteCertificate
    ) -> StationAnswer:
        """Ask what is wanted.

        Raises:
            AuthorityInvalid, CertificateInUse, UnknownTarget: nothing was changed.
        """
        match request:
            case ReadCertificates():
                return await self.read(request)
            case InstallCertificate():
                return await self.install(request)
            case DeleteCertificate():
                return await self.delete(request)

    async def read(self, request: ReadCertificates) -> StationAnswer:
        """Return under ``certificates`` what is installed; each as a mapping."""
        found: list[dict[str, Any]] = []
        for asked in self._questions(request.use):
            outcome = await self._link.call(_READ, asked)
            if outcome.end is not CallEnd.ANSWERED:
                return StationAnswer(result=result_of(outcome), action=_READ)
            for use, item in _told(outcome, asked):
                is_in_use = await self._is_in_use(item)
                found.append({"use": use, **_shown(item), "is_in_use": is_in_use})
        return StationAnswer(
            result=_ACCEPTED, action=_READ, data={"certificates": found}
        )

    async def install(self, request: InstallCertificate) -> StationAnswer:
        """Install an authority that can be used now.

        Raises:
            AuthorityInvalid: when it cannot; nothing was sent.
        """
        if self._home is None:
            raise AuthorityInvalid("no_root")
        pem = request.certificate_pem
        if pem is None and request.use is not CertificateUse.CSMS_ROOT:
            # The home makes no firmware.
            raise AuthorityInvalid("no_root")
        certificate = await self._home.authority(pem)
        outcome = await self._link.call(
            "InstallCertificate",
            {"certificateType": self._uses[request.use], "certificate": certificate},
        )
        return StationAnswer(
            result=result_of(outcome, ("Accepted",)), action="InstallCertificate"
        )

    async def delete(self, request: DeleteCertificate) -> StationAnswer:
        """Delete a certificate.

        Raises:
            CertificateInUse: without it the station could not come back.
            UnknownTarget: when the station has none with this serial number.
        """
        item = request.certificate
        if item is None:
            found = await self._find(request.serial_number)
            if isinstance(found, StationAnswer):
                return found
            item = found
        if await self._is_in_use(item):
            raise CertificateInUse(self._station.station_id, item.serial_number)
        outcome = await self._link.call(
            "DeleteCertificate", {"certificateHashData": _on_wire(item)}
        )
        # NotFound: it is gone, which is what was wanted.
        return StationAnswer(
            result=result_of(outcome, ("Accepted", "NotFound")),
            action="DeleteCertificate",
        )

    async def _find(self, serial_number: str) -> CertificateId | StationAnswer:
        """Return what a station calls a serial number, or how the question failed."""
        wanted = serial_of(serial_number)
        for asked in self._questions(None):
            outcome = await self._link.call(_READ, asked)
            if outcome.end is not CallEnd.ANSWERED:
                return StationAnswer(result=result_of(outcome), action=_READ)
            for _, item in _told(outcome, asked):
                if serial_of(item.serial_number) == wanted is not None:
                    return item
        raise UnknownTarget(self._station.station_id, serial_number)

    async def _is_in_use(self, item: CertificateId) -> bool:
        own = self._station.login.certificate
        if own is not None and serial_of(own.serial_number) == serial_of(
            item.serial_number
        ):
            return True
        return self._home is not None and await self._home.is_in_use(item)

    @property
    def _uses(self) -> Mapping[CertificateUse, str]:
        return _USES_16 if self._link.protocol == V16.protocol else _USES_2

    def _questions(self, use: CertificateUse | None) -> Iterator[dict[str, Any]]:
        """Yield the payloads that ask for a use; 1.6 has to be asked for each."""
        if self._link.protocol == V16.protocol:
            for one in (use,) if use is not None else tuple(CertificateUse):
                yield {"certificateType": _USES_16[one]}
        elif use is not None:
            yield {"certificateType": [_USES_2[use]]}
        else:
            yield {}


def _told(
    outcome: CallOutcome, asked: Mapping[str, Any]
) -> Iterator[tuple[str, CertificateId]]:
    """Yield use and name of each certificate of an answer."""
    items = outcome.payload.get("certificateHashDataChain")
    if items is None:
        # 1.6 says what was asked for, and no more.
        use = str(asked.get("certificateType", ""))
        for data in outcome.payload.get("certificateHashData") or ():
            yield _SHOWN_USES.get(use, use), _named(data)
        return
    for item in items:
        use = _SHOWN_USES.get(item["certificateType"], item["certificateType"])
        children = item.get("childCertificateHashData") or ()
        for data in (item["certificateHashData"], *children):
            yield use, _named(data)


def _named(data: Mapping[str, Any]) -> CertificateId:
    return CertificateId(
        serial_number=str(data["serialNumber"]),
        hash_algorithm=str(data["hashAlgorithm"]),
        issuer_name_hash=str(data["issuerNameHash"]),
        issuer_key_hash=str(data["issuerKeyHash"]),
    )


def _shown(item: CertificateId) -> dict[str, str]:
    return {
        "serial_number": item.serial_number,
        "hash_algorithm": item.hash_algorithm,
        "issuer_name_hash": item.issuer_name_hash,
        "issuer_key_hash": item.issuer_key_hash,
    }


def _on_wire(item: CertificateId) -> dict[str, str]:
    return {
        "hashAlgorithm": item.hash_algorithm,
        "issuerNameHash": item.issuer_name_hash,
        "issuerKeyHash": item.issuer_key_hash,
        "serialNumber": item.serial_number,
    }
