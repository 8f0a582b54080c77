"""Turn a home with bidirectional chargers into a participant of a power plant."""
