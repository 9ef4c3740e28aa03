"""Keys for tests, made by openssl as the documentation says."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Pair:
    """A private key and its public key, as files."""

    private: Path
    public: Path


def pair(folder: Path, name: str = "seal", *, pkcs8: bool = False) -> Pair:
    private, public = folder / f"{name}.pem", folder / f"{name}.pub.pem"
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(private))
    if pkcs8:
        other = folder / f"{name}.pkcs8.pem"
        openssl("pkcs8", "-topk8", "-nocrypt", "-in", str(private), "-out", str(other))
        private = other
    openssl("ec", "-in", str(private), "-pubout", "-out", str(public))
    return Pair(private, public)


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
