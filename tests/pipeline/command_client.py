"""Hand one command to command_server.py and end with its exit code: `client.py ADDRESS ENVIRONMENT ARGUMENT …`.

It runs under `python -IS`, which starts in a hundredth of a second, so it imports little.
"""

import json
import os
import socket
import sys

PACKAGES = ("audit", "dvc", "pipeline", "release", "scoring", "starter")

address, unchanged, arguments, variables = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3:], dict(os.environ)
ours = arguments[:1] == ["-m"] and arguments[1:] and arguments[1].split(".")[0] in PACKAGES
if not ours or any(variables.get(name, value) != value for name, value in unchanged.items()):
    os.execv(sys.executable, [sys.executable, *arguments])
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect(address)
    request = json.dumps([*arguments[1:2], arguments[2:], os.getcwd(), variables]).encode()
    socket.send_fds(connection, [len(request).to_bytes(4, "big")], [0, 1, 2])
    connection.sendall(request)
    connection.recv(4)  # the process id
    code = connection.recv(4)
sys.exit(int.from_bytes(code, "big", signed=True) if code else "the process that ran the command is gone")
