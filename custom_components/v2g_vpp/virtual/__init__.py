"""Layer 3: a virtual charging station with an EV, dialling the CSMS like a real one.

It is an independent second implementation of OCPP on the ``ocpp`` package and shares no
code with the CSMS side. Nothing here is loaded unless a virtual station is used.
"""
