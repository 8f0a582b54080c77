"""Scenarios: what happens to a virtual station, when, and what must be seen then."""
