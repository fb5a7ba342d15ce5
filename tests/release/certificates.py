"""A private CA and a server's certificate that it signed, made by openssl for one test run."""

import subprocess
from pathlib import Path


def make(folder: Path, host: str) -> tuple[Path, Path]:
    """`folder`/ca.pem, and the file with key and certificate of `host`."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    openssl(*new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=a private CA")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-addext", f"subjectAltName=DNS:{host}")
    openssl(*new, "-keyout", "server.key", "-out", "server.crt", "-subj", "/CN=server", *signed)
    both = folder / "server.pem"
    both.write_text((folder / "server.key").read_text() + (folder / "server.crt").read_text())
    return folder / "ca.pem", both
