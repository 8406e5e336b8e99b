"""Helpers for tests: virtual time, an independent reading of the emulated account, crashes and call records."""
