"""Probes, probing curves, control tasks and selectivity."""
