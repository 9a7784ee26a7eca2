"""Interventions: change units inside the model, and say what became of each word."""
