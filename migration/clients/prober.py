"""Asks a guest again and again, from a machine that has no part in its move, and tells when it answered.

  prober.py ADDRESS INTERVAL_MS     until it is ended

Every INTERVAL_MS it asks one question, in turn by ICMP and by TCP. Neither needs the guest's cooperation, and each costs the guest no more
than one small packet in and one out, since on an emulated CPU packets are dear:

  icmp   a timestamp request, whose answer says what the guest's wall clock shows; of a guest that does not answer those, an echo
  tcp    an ACK of a connection that there is not, to port 22: answered by RST, whether something listens there or not

All times are microseconds of this machine's monotonic clock. The lines, in JSON: first that clock beside the wall clock, then,
ten times a second, what was sent since the last line, by how much the worst of it was late, and the answers: [protocol, sent, arrived],
with the guest's clock, milliseconds since midnight (UTC), as the fourth. Nothing is kept: memory stays what it was.

Python's standard library alone.
"""

import json
import os
import select
import socket
import struct
import sys
import time

TCP_PORT = 22
# Below the ports that the kernel gives to connections, such as those that lead to the guest through this machine.
SOURCE_PORT = 20000
# A little less than the interval, so that the guest's clock, which ticks in milliseconds, is looked at in every phase of a tick.
DITHER = 0.99
# How many echoes go by until a guest that has not answered a timestamp request is asked for one again.
ECHOES_BETWEEN = 10
FLUSH_US = 100_000
ECHO_REPLY, ECHO, TIMESTAMP, TIMESTAMP_REPLY = 0, 8, 13, 14
ACK = 0x10
UNSIGNED_32 = 0xFFFFFFFF


def now_us():
    return time.monotonic_ns() // 1000


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def raw_socket(protocol, address):
    """One that gets packets of this protocol from this address alone: what else arrives here costs nothing."""
    made = socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol)
    made.connect((address, 0))
    made.setblocking(False)
    return made


class Prober:
    """Every question carries the time when it was sent, modulo 2^32 microseconds, and its answer brings that back."""

    def __init__(self, address):
        self.icmp = raw_socket(socket.IPPROTO_ICMP, address)
        self.tcp = raw_socket(socket.IPPROTO_TCP, address)
        self.identity = os.getpid() & 0xFFFF
        self.pseudo_header = (
            socket.inet_aton(self.icmp.getsockname()[0]) + socket.inet_aton(address) + struct.pack("!HH", 6, 20)
        )
        self.count = 0
        self.tells_time = False

    def send_icmp(self, kind, payload):
        head = struct.pack("!BBHHH", kind, 0, 0, self.identity, self.count & 0xFFFF)
        self.icmp.send(head[:2] + struct.pack("!H", checksum(head + payload)) + head[4:] + payload)

    def ask_icmp(self, sent):
        self.count += 1
        if not self.tells_time:
            self.send_icmp(ECHO, struct.pack("!L", sent))
        if self.tells_time or self.count % ECHOES_BETWEEN == 1:
            self.send_icmp(TIMESTAMP, struct.pack("!LLL", sent, 0, 0))

    def ask_tcp(self, sent):
        def segment(check):
            return struct.pack("!HHLLBBHHH", SOURCE_PORT, TCP_PORT, 0, sent, 5 << 4, ACK, 1024, check, 0)

        self.tcp.send(segment(checksum(self.pseudo_header + segment(0))))

    def icmp_answer(self, packet, arrived):
        data = packet[(packet[0] & 15) * 4 :]
        if len(data) < 12 or struct.unpack_from("!H", data, 4)[0] != self.identity:
            return None
        answer = ["icmp", sent_at(struct.unpack_from("!L", data, 8)[0], arrived), arrived]
        if data[0] == ECHO_REPLY:
            return answer
        # The highest bit marks a clock that does not count from midnight.
        if data[0] == TIMESTAMP_REPLY and len(data) >= 20 and not data[12] & 0x80:
            self.tells_time = True
            return [*answer, struct.unpack_from("!L", data, 12)[0]]
        return None

    def tcp_answer(self, packet, arrived):
        data = packet[(packet[0] & 15) * 4 :]
        if len(data) < 20:
            return None
        port, own, sequence = struct.unpack_from("!HHL", data)
        if port != TCP_PORT or own != SOURCE_PORT:
            return None
        # RST takes its sequence number from what it refuses.
        return ["tcp", sent_at(sequence, arrived), arrived]


def sent_at(low, arrived):
    """The whole of a time of which the answer brought the lower half."""
    return arrived - ((arrived - low) & UNSIGNED_32)


def received(receiver, parse):
    """The answers that have arrived."""
    while True:
        try:
            packet = receiver.recv(2048)
        except BlockingIOError:
            return
        except OSError:  # such as "No route to host", for a question that got no answer: that says nothing new
            continue
        answer = parse(packet, now_us())
        if answer:
            yield answer


def tell(line):
    os.write(1, json.dumps(line, separators=(",", ":")).encode() + b"\n")


def main(address, interval_ms):
    prober = Prober(address)
    try:
        # Before everything else on this machine: whoever wakes up late cannot tell when an answer came.
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        pass  # then as any other; how late it was is told
    tell({"monotonicUs": now_us(), "epochUs": time.time_ns() // 1000})
    questions = [("icmp", prober.ask_icmp), ("tcp", prober.ask_tcp)]
    period = int(interval_ms * 1000 * DITHER)
    due = now_us()
    sent, late, answers, flush = {"icmp": 0, "tcp": 0}, 0, [], due + FLUSH_US
    while True:
        now = now_us()
        if now >= due:
            late = max(late, now - due)
            due += period * ((now - due) // period + 1)
            protocol, ask = questions[0]
            questions.reverse()
            sent[protocol] += 1
            try:
                ask(now_us() & UNSIGNED_32)
            except OSError:
                pass  # nobody has that address at the moment, which is what is being measured
        if now >= flush:
            tell({"atUs": now_us(), "sent": sent, "lateUs": late, "answers": answers})
            sent, late, answers, flush = {"icmp": 0, "tcp": 0}, 0, [], now + FLUSH_US
        wait = min(flush, due) - now_us()
        ready, _, _ = select.select([prober.icmp, prober.tcp], [], [], max(wait, 0) / 1e6)
        if prober.icmp in ready:
            answers.extend(received(prober.icmp, prober.icmp_answer))
        if prober.tcp in ready:
            answers.extend(received(prober.tcp, prober.tcp_answer))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], float(sys.argv[2]))
