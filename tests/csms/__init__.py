"""Tests of the OCPP adapter; scenarios live in modules that assert on their own."""

import pytest

pytest.register_assert_rewrite(
    "tests.csms.plays_access",
    "tests.csms.plays_profiles",
    "tests.csms.plays_reports",
    "tests.csms.plays_rpc",
)
