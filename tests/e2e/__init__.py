"""Real programs talk to each other over the loopback interface."""
