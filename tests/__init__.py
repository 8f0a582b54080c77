"""Tests of the integration and of the reference aggregator."""
