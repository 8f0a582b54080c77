"""The virtual station on OCPP 1.6J."""
