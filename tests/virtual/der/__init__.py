"""Tests of grid settings at the virtual station."""
