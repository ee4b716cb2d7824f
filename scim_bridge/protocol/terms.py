"""What a filter speaks of."""

from collections.abc import Iterator

from scim2_models.path import Comparison, FilterNode, LogicalExpr, Not, Present, ValuePath


def named(node: FilterNode, within: str = "") -> Iterator[str]:
    """The attributes a filter names, as it spells them; those between brackets follow their attribute and a dot."""
    match node:
        case LogicalExpr():
            for term in node.terms:
                yield from named(term, within)
        case Not():
            yield from named(node.expr, within)
        case ValuePath():
            yield from named(node.val_filter, f"{node.attr_path}.")
        case Comparison() | Present():
            yield f"{within}{node.attr_path}"
