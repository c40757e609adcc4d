"""Measurements of the product beside a bare bot, on one machine, against the sandbox (docs/reference/benchmarks.md)."""
