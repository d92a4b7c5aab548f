"""Holds listening sockets, as systemd does, and runs commands that get them from descriptor 3 on.

Usage: hold_ports.py COUNT. Prints the ports. Reads a line of JSON for each command, {"argv": [...], "env": {...}}, and
prints its process id; a line of JSON for its end goes to descriptor 2.
"""

import json
import os
import signal
import socket
import sys

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
sockets = [socket.create_server(("127.0.0.1", 0), backlog=512) for _ in range(int(sys.argv[1]))]
print(json.dumps([each.getsockname()[1] for each in sockets]), flush=True)
for line in sys.stdin:
    order = json.loads(line)
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # Out of the way first: a socket may have one of the numbers already.
        high = [os.dup2(each.fileno(), 100 + at) for at, each in enumerate(sockets)]
        for at, each in enumerate(high):
            os.dup2(each, 3 + at)
        os.closerange(3 + len(high), 256)
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(2, 1)
        os.close(null)
        handed = {"LISTEN_FDS": str(len(sockets)), "LISTEN_PID": str(os.getpid())}
        os.execvpe(order["argv"][0], order["argv"], {**os.environ, **order["env"], **handed})
    print(pid, flush=True)
