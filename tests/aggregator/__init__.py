"""Tests of the reference aggregator."""
