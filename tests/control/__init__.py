"""Tests of the control layer: no Home Assistant, no sleep, no mock."""
