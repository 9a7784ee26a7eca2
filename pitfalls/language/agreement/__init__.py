"""Agreement items: made by construction from the generated grammars, and found in any treebank."""

from pitfalls.language.agreement.items import Item, balanced, counts, table
from pitfalls.language.agreement.relations import GRAMMARS, agreeing
from pitfalls.language.agreement.sources import from_treebank, generated

__all__ = ["GRAMMARS", "Item", "agreeing", "balanced", "counts", "from_treebank", "generated", "table"]
