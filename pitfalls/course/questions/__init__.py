"""The exercises, one module per notebook, each with its check and the wrong answers that the check must catch."""
