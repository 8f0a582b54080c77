"""Parts of the soak: stations, probe, plan, watch and the sums."""
