"""Text: sentences of words with attributes, treebanks, lexicons, grammars. Knows no model."""
