"""Measuring an adapter: spot checks, fresh instructions of each dialect, other readers."""
