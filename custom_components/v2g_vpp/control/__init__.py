"""Layer 2: the verbs of control, deterministic and without any I/O.

Every controller is stepped with its inputs and the monotonic time and returns what it
decided with the reason. Nothing here reads a clock, logs, or knows a wire.
"""
