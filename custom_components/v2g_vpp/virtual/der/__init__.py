"""Grid settings of OCPP 2.1 (R04, R05): controls, and what they do to the power."""
