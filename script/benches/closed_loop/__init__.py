"""Chargers, signals and peers that the benchmarks of control close their loop with."""
