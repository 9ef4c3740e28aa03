"""Keys and signatures of seals: ECDSA over P-256 with SHA-256, DER, as `openssl dgst -sha256` makes and checks them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from mulesoft_audit.errors import UsageError
from mulesoft_audit.extras import require
from mulesoft_audit.paths import expanded

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey

_MAKE = "Make one: openssl ecparam -name prime256v1 -genkey -noout -out seal.pem"
_PUBLIC = "Make it of the private key: openssl ec -in seal.pem -pubout -out seal.pub.pem"
LARGEST = 64 << 10  #: bytes of a key file


class PublicKey:
    """A public key that checks seals.

    Attributes:
        pem: as PEM.
        id: hex SHA-256 of it as DER (SubjectPublicKeyInfo), by which seals name it.
    """

    def __init__(self, key: EllipticCurvePublicKey) -> None:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        self._key = key
        self.pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.id = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()

    def signed(self, data: bytes, signature: bytes) -> bool:
        """Return whether the signature is this key's over `data`."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.hashes import SHA256

        try:
            self._key.verify(signature, data, ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True


class PrivateKey:
    """A private key that signs seals.

    Attributes:
        public: its public key.
    """

    def __init__(self, key: EllipticCurvePrivateKey) -> None:
        self._key = key
        self.public = PublicKey(key.public_key())

    def sign(self, data: bytes) -> bytes:
        """Return the signature over `data`."""
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.hashes import SHA256

        return self._key.sign(data, ECDSA(SHA256()))


def read_private_key(path: str) -> PrivateKey:
    """Return the private key of a PEM file: SEC1 or PKCS#8, without a passphrase.

    Raises:
        UsageError: it cannot be read, or is no such key; or the extra `seal` is not installed.
    """
    require("seal", "Sealing")
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(_file(path, "--key"), None)
    except TypeError:
        raise UsageError(f"--key {path!r} has a passphrase, which nobody can be asked for.", _MAKE) from None
    except (ValueError, UnsupportedAlgorithm):
        raise UsageError(f"--key {path!r} is not a private key in PEM.", _MAKE) from None
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise UsageError(f"--key {path!r} is not a key on the curve P-256.", _MAKE)
    return PrivateKey(key)


def read_public_key(path: str, flag: str = "--public-key") -> PublicKey:
    """Return the public key of a PEM file; `flag` is what named it.

    Raises:
        UsageError: it cannot be read, or is no such key; or the extra `seal` is not installed.
    """
    require("seal", "Checking signatures")
    key = public_key(_file(path, flag))
    if key is None:
        raise UsageError(f"{flag} {path!r} is not a public key on the curve P-256 in PEM.", _PUBLIC)
    return key


def public_key(pem: bytes) -> PublicKey | None:
    """Return the public key in PEM; None if it is none on P-256."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        return None
    right = isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
    return PublicKey(key) if right and isinstance(key, EllipticCurvePublicKey) else None


def _file(path: str, flag: str) -> bytes:
    try:
        with expanded(path).open("rb") as file:
            return file.read(LARGEST)
    except OSError as error:
        raise UsageError(f"{flag} {path!r} cannot be read: {error.strerror or type(error).__name__}.") from None
