"""Language models, masked and causal: loading, resuming, word vectors, and the mini models' pretraining."""
