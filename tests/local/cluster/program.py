"""A stand-in's program: `docker`, `kind`, `helm` and `kubectl` are scripts that run this file with their own name.

It hands the words to the played cluster (tests/local/cluster/played.py) at $PLAYED_PORT and says what that answers.
`kubectl … port-forward … LOCAL:80` listens itself, and passes on to the port that is answered.
"""

import json
import os
import socket
import sys
import threading
import urllib.request


def main(words: list[str]) -> int:
    text = "" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.read()
    body = json.dumps({"words": words, "text": text, "folder": os.getcwd()}).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{os.environ['PLAYED_PORT']}/", body, timeout=300) as answer:
        code, out = json.load(answer)
    if "port-forward" in words:
        forward(int(words[-1].partition(":")[0]), int(out))
    (sys.stderr if code else sys.stdout).write(out)
    return int(code)


def forward(current: int, there: int) -> None:
    with socket.create_server(("127.0.0.1", current)) as server:
        while True:
            near, _ = server.accept()
            far = socket.create_connection(("127.0.0.1", there))
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=copy, args=(source, target), daemon=True).start()


def copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        target.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
