# Writes to an export as a certain client, by NFS 3, once and, when told to on standard input, once more over the same connection: what a
# client could do that has a file open. Prints "written", and then "written", "refused: ..." or what went wrong.
# Arguments: the server's address, the export, the file's name in it.
import random
import socket
import struct
import sys

server, export, name = sys.argv[1:]
PORTMAP, NFS, MOUNT = 100000, 100003, 100005
SECONDS = 15


def opaque(data):
    return struct.pack(">I", len(data)) + data + b"\0" * (-len(data) % 4)


class Refused(Exception):
    pass


class Answer:
    def __init__(self, data):
        self.data = data

    def number(self):
        (value,), self.data = struct.unpack(">I", self.data[:4]), self.data[4:]
        return value

    def opaque(self):
        size = self.number()
        value, self.data = self.data[:size], self.data[size + (-size % 4) :]
        return value


class Server:
    def __init__(self, port):
        # A server may take root at its word from a port below 1024 only.
        for _ in range(20):
            self.socket = socket.socket()
            self.socket.settimeout(SECONDS)
            try:
                self.socket.bind(("", random.randint(600, 1023)))
                self.socket.connect((server, port))
                return
            except OSError as error:
                reason = error
        raise reason

    def read(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise Refused("the server ends the connection")
            data += more
        return data

    def call(self, program, version, procedure, arguments):
        root = opaque(struct.pack(">I", 0) + opaque(b"fence") + struct.pack(">III", 0, 0, 0))
        head = struct.pack(">IIIIII", random.getrandbits(32), 0, 2, program, version, procedure)
        message = head + struct.pack(">I", 1) + root + struct.pack(">II", 0, 0) + arguments
        self.socket.sendall(struct.pack(">I", 0x80000000 | len(message)) + message)
        data, last = b"", False
        while not last:
            (size,) = struct.unpack(">I", self.read(4))
            last, data = bool(size & 0x80000000), data + self.read(size & 0x7FFFFFFF)
        answer = Answer(data)
        answer.number(), answer.number()
        if answer.number() != 0:
            raise Refused("the call is denied")
        answer.number(), answer.opaque()
        state = answer.number()
        if state != 0:
            raise RuntimeError("the server does not take the call (%d)" % state)
        return answer


def checked(answer, doing):
    status = answer.number()
    if status != 0:
        raise Refused("%s: NFS error %d" % (doing, status))
    return answer


def port_of(program, version):
    answer = Server(111).call(PORTMAP, 2, 3, struct.pack(">IIII", program, version, 6, 0))
    port = answer.number()
    if port == 0:
        raise RuntimeError("the server has no program %d" % program)
    return port


def write(nfs, file):
    data = b"fence"
    arguments = opaque(file) + struct.pack(">QII", 0, len(data), 2) + opaque(data)
    checked(nfs.call(NFS, 3, 7, arguments), "writing")


try:
    mount = Server(port_of(MOUNT, 3))
    folder = checked(mount.call(MOUNT, 3, 1, opaque(export.encode())), "mounting").opaque()
    nfs = Server(port_of(NFS, 3))
    attributes = struct.pack(">IIIIIII", 0, 1, 0o600, 0, 0, 0, 0) + struct.pack(">I", 0)
    made = checked(nfs.call(NFS, 3, 8, opaque(folder) + opaque(name.encode()) + attributes), "making a file")
    if made.number() != 1:
        raise RuntimeError("the server names no file")
    file = made.opaque()
    write(nfs, file)
    print("written", flush=True)
    sys.stdin.readline()
    write(nfs, file)
    print("written", flush=True)
except Refused as reason:
    print("refused: %s" % reason, flush=True)
except (OSError, RuntimeError, struct.error) as error:
    print("unclear: %s" % error, flush=True)
