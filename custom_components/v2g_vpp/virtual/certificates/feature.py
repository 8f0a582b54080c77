"""Certificates as a part of the station."""

from ..device_model import DataType
from ..features import Feature
from ..hardware import Hardware
from ..variable_forms import FLAG, INTEGER, SECONDS, Component, Form
from .own import MAX_CHAIN_LENGTH, OwnCertificates
from .roots import MAX_ROOTS, Roots


def certificates(hardware: Hardware, roots: Roots, own: OwnCertificates) -> Feature:
    """Return the feature; its variables join the device model."""
    control = Component("SecurityCtrlr")
    entries = Form(data_type=DataType.INTEGER, max_limit=MAX_ROOTS)
    times = Form(data_type=DataType.INTEGER, min_limit=0, max_limit=10)
    hardware.model.add(
        [
            control.write("OrganizationName", "Home"),
            control.read("CertificateEntries", lambda: str(len(roots)), entries),
            control.read("MaxCertificateChainSize", str(MAX_CHAIN_LENGTH), INTEGER),
            control.write("CertSigningWaitMinimum", "60", SECONDS),
            control.write("CertSigningRepeatTimes", "2", times),
            control.read("AdditionalRootCertificateCheck", "false", FLAG),
        ]
    )
    return Feature(
        handlers=(roots, own),
        loops=(own.run,),
        triggers={"SignChargingStationCertificate": own.request},
    )
