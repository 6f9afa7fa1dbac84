"""Takes what one TCP connection brings, and throws it away: sink.py PORT. Ends with the connection, or when none comes."""

import socket
import sys

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("", int(sys.argv[1])))
listener.listen(1)
listener.settimeout(60)
connection, _ = listener.accept()
listener.close()
# A sender whose machine died says nothing any more.
connection.settimeout(None)
connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
space = bytearray(1 << 18)
while connection.recv_into(space):
    pass
