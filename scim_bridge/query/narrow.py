"""A filter over several resource types, as it reads for one of them (RFC 7644 section 3.4.2.1)."""

from collections.abc import Sequence

from scim2_models.path import Comparison, FilterNode, LogicalExpr, LogicalOperator, Not, Present, ValuePath

from scim_bridge.comparison import matcher
from scim_bridge.schemas import ResourceSchema


def narrowed(node: FilterNode, schema: ResourceSchema) -> FilterNode | bool:
    """The filter without what is certain for this type; True or False where all of it is.

    A term on an attribute the type lacks is false, and `meta.resourceType` has one value: so a type that cannot match
    is not read at all.
    """
    match node:
        case LogicalExpr():
            return _joined(node.op, [narrowed(term, schema) for term in node.terms])
        case Not():
            inner = narrowed(node.expr, schema)
            return not inner if isinstance(inner, bool) else Not(expr=inner)
        case Comparison() | Present() | ValuePath():
            found = schema.resolve(str(node.attr_path))
            if found is None:
                return False
            if isinstance(node, Comparison) and found.canonical == "meta.resourceType":
                return matcher(found.target, node.op.value, node.value)(schema.name)
    return node


def _joined(op: LogicalOperator, terms: Sequence[FilterNode | bool]) -> FilterNode | bool:
    decisive = op is LogicalOperator.or_  # one such term decides: True for `or`, False for `and`
    if any(term is decisive for term in terms):
        return decisive
    open_terms = tuple(term for term in terms if not isinstance(term, bool))
    if not open_terms:
        return not decisive
    return open_terms[0] if len(open_terms) == 1 else LogicalExpr(op=op, terms=open_terms)
