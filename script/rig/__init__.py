"""Real programs that tests and the demo run beside Home Assistant."""
