"""Conditions of rows, as suites have them for pandas: of which columns they are, if each row is asked by itself.

Nearly anything can be written for pandas: whether a value is above the mean of its column, in the first row, or among
those of another column. Such a condition chooses other rows of a batch alone than of many batches together.
"""

import ast
import re
from collections.abc import Collection

QUOTED = re.compile("`([^`]*)`")


# What compares values of a row with each other, or with what stands in the condition, is made of these. A call may look
# at other rows, and a quotient at the sign of a zero.
OF_EACH_ROW = (
    *(ast.Expression, ast.Name, ast.Load, ast.Constant, ast.List, ast.Tuple),
    *(ast.Compare, ast.cmpop, ast.BoolOp, ast.boolop, ast.BinOp, ast.BitAnd, ast.BitOr),
    *(ast.UnaryOp, ast.Not, ast.Invert, ast.USub),
)


def columns_asked(condition: object, columns: Collection[str]) -> frozenset[str] | None:
    """Return the columns that a condition names.

    Parameters
    ----------
    condition
        For pandas, such as "`item` in [1, 2] and not (currency == 'GBP')".
    columns
        Of the rows.

    Returns
    -------
    frozenset of str or None
        None if a row that fulfils it here may not do so among other rows, or if that cannot be told.
    """
    quoted: dict[str, str] = {}

    def stand_in(found: re.Match[str]) -> str:
        quoted[word := f"quoted_{len(quoted)}_"] = found[1]
        return word

    if not isinstance(condition, str):
        return None
    try:
        read = [*ast.walk(ast.parse(QUOTED.sub(stand_in, condition), mode="eval"))]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    named = frozenset(quoted.get(node.id, node.id) for node in read if isinstance(node, ast.Name))
    return named if named and named <= {*columns} and all(map(_is_of_each_row, read)) else None


def _is_of_each_row(node: ast.AST) -> bool:
    if isinstance(node, ast.List | ast.Tuple):
        return not any(isinstance(part, ast.Name) for part in ast.walk(node))
    if isinstance(node, ast.Compare):
        # Whether a value is in a column is asked of all rows of it.
        sought = zip(node.ops, node.comparators, strict=True)
        return all(
            isinstance(part, ast.List | ast.Tuple) for ask, part in sought if isinstance(ask, ast.In | ast.NotIn)
        )
    return isinstance(node, OF_EACH_ROW)
