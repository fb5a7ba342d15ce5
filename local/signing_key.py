"""The key that a platform's publish job signs with: made once, in the platform's folder, and never committed."""

from pathlib import Path

from artifact import text_file
from local.state import PRIVATE


def of(path: Path) -> str:
    """The private key in the file at `path`, PEM, which is made at the first call."""
    if not path.exists():
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        text_file.write(path, pem, PRIVATE)
    return path.read_text(encoding="utf-8")
