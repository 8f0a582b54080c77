"""Tests of the running home: one site on simulated stations in virtual time."""
