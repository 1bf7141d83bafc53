"""Measurements: run by hand, results kept in benchmarks/results."""
