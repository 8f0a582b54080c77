"""Chargers that Home Assistant already knows: the plants, the worlds, the behaviour."""
