"""Comparing rankings and methods: overlap, stability, tests and intervals."""
