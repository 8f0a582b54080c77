"""Layer 3: a charging station management system for OCPP 2.1 and 2.0.1.

Frames of charging stations become domain events; setpoints of the domain become frames.
"""
