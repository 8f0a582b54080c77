"""Variable monitoring of OCPP 2.x (N02 to N08): what is watched, and its events."""
