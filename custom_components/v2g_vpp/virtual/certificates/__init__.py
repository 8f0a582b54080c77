"""Certificates of the station: those it trusts and its own (OCPP 2.x A02, M03 to M05)."""
