"""Tests of the rig that starts real programs."""
