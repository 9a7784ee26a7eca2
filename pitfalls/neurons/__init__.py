"""Arrays in, tables out: probes, rankings, control tasks, probing curves, and interventions."""
