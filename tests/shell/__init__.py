"""The shell on a real Home Assistant core."""
