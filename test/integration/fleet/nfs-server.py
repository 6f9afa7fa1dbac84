# As much of an NFS 3 server as fence-probe.py speaks to: takes calls of addresses that stand in a file, and refuses others.
# Arguments: the file, and which call is refused: "mount" and all after it, or none with "never".
import socket
import struct
import sys
import threading

allowed, refuses = sys.argv[1:]


def serve(client, address):
    try:
        while True:
            (size,) = struct.unpack(">I", client.recv(4, socket.MSG_WAITALL))
            call = client.recv(size & 0x7FFFFFFF, socket.MSG_WAITALL)
            xid, _, _, program, _, procedure = struct.unpack(">IIIIII", call[:24])
            is_refused = refuses != "never" and address not in open(allowed).read().split()
            handle = struct.pack(">I", 4) + b"file"
            if program == 100000:
                result = struct.pack(">I", 2049)
            elif is_refused:
                result = struct.pack(">I", 13)
            elif program == 100005:
                result = struct.pack(">I", 0) + handle + struct.pack(">II", 1, 1)
            else:
                result = struct.pack(">II", 0, 1) + handle if procedure == 8 else struct.pack(">I", 0)
            reply = struct.pack(">IIIIII", xid, 1, 0, 0, 0, 0) + result
            client.sendall(struct.pack(">I", 0x80000000 | len(reply)) + reply)
    except (OSError, struct.error):
        pass


def listen(port):
    server = socket.create_server(("", port))
    print("listening", flush=True)
    while True:
        client, (address, _) = server.accept()
        threading.Thread(target=serve, args=(client, address), daemon=True).start()


for port in (111, 2049):
    threading.Thread(target=listen, args=(port,)).start()
