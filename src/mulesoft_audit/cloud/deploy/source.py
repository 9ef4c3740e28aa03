"""The function's source as a zip file that is the same bytes for the same source."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest a zip file can hold


def built_source() -> bytes:
    """Build the function's source from the installed package and return it zipped."""
    from mulesoft_audit.cloud.build import build_source

    with tempfile.TemporaryDirectory(prefix="mulesoft-audit-") as directory:
        build_source(Path(directory))
        return zipped(Path(directory))


def zipped(directory: Path) -> bytes:
    """Return the files of a directory as a zip file, in one order, of one date, without caches."""
    files = sorted(path for path in directory.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            entry = zipfile.ZipInfo(path.relative_to(directory).as_posix(), EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return held.getvalue()
