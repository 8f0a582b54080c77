"""The kit against our own home, our own aggregator, and homes that are broken."""
