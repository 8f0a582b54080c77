"""Tests of the virtual charging station, against CSMSs that are not ours."""
