"""Parts of the fault bench: what goes wrong, where, and what was promised about it."""
