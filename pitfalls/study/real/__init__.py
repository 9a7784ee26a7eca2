"""The study of real language models: what is studied, how, and what follows from it."""
