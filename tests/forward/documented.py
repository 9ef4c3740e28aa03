"""What docs/forward.md prints, as files that can be run."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "forward.md"
_BLOCK = re.compile(r"^<!-- (\S+) -->\n```\w+\n(.*?)^```", re.DOTALL | re.MULTILINE)
BLOCKS: dict[str, str] = dict(_BLOCK.findall(PAGE.read_text(encoding="utf-8")))


def written(name: str, folder: Path, **places: Path) -> Path:
    """Return a file of that name as the page prints it, with real folders for the names that stand for them."""
    text = BLOCKS[name]
    for stands_for, place in places.items():
        text = text.replace(stands_for, str(place))
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file
