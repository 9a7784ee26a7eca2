"""Speed and memory, measured against the obvious loops in the same run: see README.md."""
