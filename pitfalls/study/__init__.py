"""Whole experiments: worlds, configurations, output and the report."""
