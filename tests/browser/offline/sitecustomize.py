"""Refuses and records every attempt of this Python process to reach anything but loopback.

Python imports a module of this name at start when its folder is on PYTHONPATH. Attempts go to the file OFFLINE_LOG.
"""

import os
import sys

LOOPBACK = {"localhost", "127.0.0.1", "::1", "0.0.0.0", "::", "", None}


def _refuse(event: str, arguments: tuple) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None  # a path is a Unix socket
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        host = arguments[0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host in LOOPBACK:
        return
    with open(os.environ["OFFLINE_LOG"], "a", encoding="utf-8") as log:
        log.write(f"{event} {arguments[1:] if event == 'socket.connect' else arguments}\n")
    raise ConnectionRefusedError(f"{event} to {host!r}: only loopback is allowed here")


sys.addaudithook(_refuse)
