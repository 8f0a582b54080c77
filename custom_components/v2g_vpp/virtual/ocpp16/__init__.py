"""The wire of OCPP 1.6J: the same EVSE, told in the words of that version."""
