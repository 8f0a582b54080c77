"""Tests of what the virtual station does for its owner."""
