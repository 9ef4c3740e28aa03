"""The README's tables of inputs and outputs, made of the variables' files and outputs.tf.

    python -m tests.terraform.readme

writes them again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.terraform.workspace import MODULE

if TYPE_CHECKING:
    from collections.abc import Iterator

README = MODULE / "README.md"
VARIABLES = tuple(
    f"variables{part}.tf" for part in ("", "-anypoint", "-archive", "-function", "-schedule", "-network", "-watching")
)
BEGIN, END = "<!-- begin: inputs and outputs -->", "<!-- end: inputs and outputs -->"


def bodies(kind: str, *files: str) -> Iterator[tuple[str, str]]:
    """Yield the blocks of formatted files: the name and what is in it."""
    for file in files:
        text = (MODULE / file).read_text(encoding="utf-8")
        yield from re.findall(rf'^{kind} "(\w+)" {{\n(.*?)^}}', text, re.MULTILINE | re.DOTALL)


def blocks(kind: str, *files: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the blocks of formatted files: the name and the arguments, as they are written."""
    for name, body in bodies(kind, *files):
        found = re.findall(r"^  (\w+) += (.*?)\n(?=  \w|\n|\Z)", body, re.MULTILINE | re.DOTALL)
        yield name, dict(found)


def unquoted(text: str) -> str:
    """Return what a string of Terraform says, as a cell of a table holds it."""
    return text.removeprefix('"').removesuffix('"').replace('\\"', '"').replace("|", "\\|")


def tables() -> str:
    """Return both tables."""
    lines = ["| Input | Type | Default | |", "|---|---|---|---|"]
    for name, one in blocks("variable", *VARIABLES):
        kind = one["type"].partition("(")[0] if "\n" in one["type"] else one["type"]
        default = f"`{one['default']}`" if "default" in one else "**required**"
        lines.append(f"| `{name}` | `{kind}` | {default} | {unquoted(one['description'])} |")
    lines += ["", "| Output | |", "|---|---|"]
    lines += [f"| `{name}` | {unquoted(one['description'])} |" for name, one in blocks("output", "outputs.tf")]
    return "\n".join(lines)


def written() -> str:
    """Return the README with the tables as they should be."""
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    README.write_text(written(), encoding="utf-8")
