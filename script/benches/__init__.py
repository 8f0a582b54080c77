"""Benchmarks: a module each, run by name through `script/bench`."""
