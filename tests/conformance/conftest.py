"""The operator whose broker the kit and the home meet at."""

import pytest

from custom_components.v2g_vpp.system_clock import SystemClock
from tests.vpp.rig import Certificates


@pytest.fixture(scope="session")
def certificates() -> Certificates:
    return Certificates(SystemClock())
