"""Tests of the certificates of the virtual station."""
