"""Homes that older versions left behind, and what today's code makes of them."""
