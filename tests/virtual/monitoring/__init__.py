"""Tests of variable monitoring at the virtual station."""
