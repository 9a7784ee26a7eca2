"""What everything is computed on: labelled word vectors, and an order of their units."""
