"""Layer 3: the link to an aggregator, MQTT 5 by the VPP contract."""
