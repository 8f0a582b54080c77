"""Homes to rehearse with: real MQTT clients over TLS, each with a small plant."""
