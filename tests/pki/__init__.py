"""Tests of certificates and keys."""
