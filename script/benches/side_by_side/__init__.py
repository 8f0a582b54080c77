"""Pieces of work whose processor time is compared in one process."""
