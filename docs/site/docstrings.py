"""How docstrings of the program are to be read where they are no strict numpydoc."""

import re
from typing import Any

import griffe

# A section "Returns" up to the next section or the end.
RETURNS = re.compile(r"^(Returns\n-+\n)(.*?)(?=\n\n\w[^\n]*\n-{3,}\n|\Z)", re.DOTALL | re.MULTILINE)
# A page, as a docstring names it; functions are described on a page of docs/reference.
PAGE = re.compile(r"(?<!`)\bdocs/((?:\w+/)*(\w+))\.md\b")


class Docstrings(griffe.Extension):
    """Has a sentence under "Returns" be one, pages be links, and named tuples of compiled modules say their fields."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Have pages that a docstring names be links to them."""
        if obj.docstring is not None and not obj.is_alias:
            obj.docstring.value = PAGE.sub(
                lambda page: f"[{page[2].replace('_', ' ')}](../{page[1]}.html)", obj.docstring.value
            )

    def on_function(self, *, func: griffe.Function, **_: Any) -> None:
        """Put the type of a result before the sentence on it, whose words numpydoc would take for a type."""
        if func.docstring is None:
            return
        kind = re.sub(r"^['\"]|['\"]$", "", str(func.returns or "result"))
        func.docstring.value = RETURNS.sub(lambda found: f"{found[1]}{_typed(found[2], kind)}", func.docstring.value)

    def on_class(self, *, cls: griffe.Class, **_: Any) -> None:
        """Name the fields in a sentence: what Python says of each is its number."""
        own = {name: each.docstring.value for name, each in cls.members.items() if not each.is_alias and each.docstring}
        fields = sorted((name for name, said in own.items() if "Alias for field" in said), key=own.__getitem__)
        if not fields:
            return
        said = cls.docstring.value if cls.docstring else ""
        for name in fields:
            cls.del_member(name)
        cls.docstring = griffe.Docstring(f"{said}\n\nFields: {', '.join(f'`{name}`' for name in fields)}.", parent=cls)


def _typed(body: str, kind: str) -> str:
    first, *others = body.split("\n")
    if others and others[0].startswith(" "):
        return body
    return "\n".join([kind, *(f"    {line}" for line in (first, *others))])
