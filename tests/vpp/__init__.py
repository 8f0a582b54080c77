"""Tests of the link to an aggregator."""
