"""The exercises, a module a notebook, each with its check and the wrong answers that the check must catch."""
