"""Sends to a guest over one TCP connection, as much as that takes, and tells how much has arrived there.

  stream.py ADDRESS PORT     until it is ended

A JSON line ten times a second: this machine's monotonic clock, microseconds, and the bytes that the guest has acknowledged. The first
line has that clock beside the wall clock. Python's standard library alone.
"""

import fcntl
import json
import os
import select
import socket
import struct
import sys
import termios
import time

FLUSH_US = 100_000
# The listener in the guest takes its time to start, on an emulated CPU most of all.
CONNECT_S = 20


def now_us():
    return time.monotonic_ns() // 1000


def tell(line):
    os.write(1, json.dumps(line, separators=(",", ":")).encode() + b"\n")


def connection(address, port):
    deadline = time.monotonic() + CONNECT_S
    while True:
        try:
            return socket.create_connection((address, port), timeout=5)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def main(address, port):
    tell({"monotonicUs": now_us(), "epochUs": time.time_ns() // 1000})
    stream = connection(address, port)
    stream.setblocking(False)
    data = bytes(1 << 16)
    given, flush = 0, now_us()
    while True:
        now = now_us()
        if now >= flush:
            # SIOCOUTQ: what the guest has not acknowledged yet.
            (waiting,) = struct.unpack("i", fcntl.ioctl(stream, termios.TIOCOUTQ, b"\0\0\0\0"))
            tell({"atUs": now, "bytes": given - waiting})
            flush += FLUSH_US * ((now - flush) // FLUSH_US + 1)
        _, writable, _ = select.select([], [stream], [], max(flush - now_us(), 0) / 1e6)
        if writable:
            given += stream.send(data)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]))
