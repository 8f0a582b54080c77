"""The reference aggregator: the operator's side of the VPP contract.

It enrols homes, knows what they offer, dispatches power to them and keeps their
fail-safe from firing by its heartbeats. It shares no code with the integration that
runs in a home, so that each side checks the other against the written contract.
"""
