"""Text: sentences of words with attributes, treebanks, lexicons, grammars. Nothing here knows a model."""
