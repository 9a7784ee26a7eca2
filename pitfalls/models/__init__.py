"""Masked language models: loading, resuming, word vectors, and the mini BERT's pretraining."""
