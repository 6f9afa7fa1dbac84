"""Asks a guest again and again, from a machine that has no part in its move, and tells when it answered.

  prober.py ADDRESS INTERVAL_MS     until it is ended

Three questions, none of which needs the guest's cooperation, each with a rhythm of its own:

  echo    ICMP echo                          every INTERVAL_MS
  tcp     TCP SYN to port 22, from a port that nothing listens on: answered by SYN-ACK or RST;
          this machine's kernel then ends what it never began, with RST    every INTERVAL_MS, half of it later
  clock   ICMP timestamp: what the guest's wall clock says                 every 20.1 ms

All times are microseconds of this machine's monotonic clock. The lines, in JSON: first that clock beside the wall clock, then,
ten times a second, what was sent since the last line, by how much the worst of it was late, and the answers:
[question, sent, arrived] and for the clock, milliseconds since midnight (UTC). Nothing is kept: memory stays what it was.

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
# Below the ports that the kernel gives to connections, such as those that lead to the guest through this machine. Several, so that the
# questions that gather somewhere while the guest stands still do not count as repetitions of one.
FIRST_SOURCE_PORT, SOURCE_PORTS = 20000, 256
# Not a multiple of a millisecond, the unit of the guest's answer: so its ticks are met at every phase.
CLOCK_PERIOD_US = 20_100
FLUSH_US = 100_000
ECHO_REPLY, ECHO, TIMESTAMP, TIMESTAMP_REPLY = 0, 8, 13, 14
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
    def __init__(self, address):
        self.icmp = raw_socket(socket.IPPROTO_ICMP, address)
        self.tcp = raw_socket(socket.IPPROTO_TCP, address)
        self.identity = os.getpid() & 0xFFFF
        self.pseudo_header = (
            socket.inet_aton(self.icmp.getsockname()[0]) + socket.inet_aton(address) + struct.pack("!HH", 6, 20)
        )
        self.count = 0

    # Every question carries the time when it was sent, and its answer brings that back.

    def send_icmp(self, kind, payload):
        self.count += 1
        head = struct.pack("!BBHHH", kind, 0, 0, self.identity, self.count & 0xFFFF)
        self.icmp.send(head[:2] + struct.pack("!H", checksum(head + payload)) + head[4:] + payload)

    def echo(self, sent):
        self.send_icmp(ECHO, struct.pack("!Q", sent))

    def clock(self, sent):
        self.send_icmp(TIMESTAMP, struct.pack("!LLL", sent & UNSIGNED_32, 0, 0))

    def syn(self, sent):
        self.count += 1
        source = FIRST_SOURCE_PORT + self.count % SOURCE_PORTS

        def segment(check):
            return struct.pack("!HHLLBBHHH", source, TCP_PORT, sent & UNSIGNED_32, 0, 5 << 4, 0x02, 1024, check, 0)

        self.tcp.send(segment(checksum(self.pseudo_header + segment(0))))

    def icmp_answer(self, packet, arrived):
        data = packet[(packet[0] & 15) * 4 :]
        if len(data) < 16 or struct.unpack_from("!H", data, 4)[0] != self.identity:
            return None
        if data[0] == ECHO_REPLY:
            return ["echo", struct.unpack_from("!Q", data, 8)[0], arrived]
        # The highest bit marks a clock that does not count from midnight.
        if data[0] == TIMESTAMP_REPLY and len(data) >= 20 and not data[12] & 0x80:
            sent, _, told = struct.unpack_from("!LLL", data, 8)
            return ["clock", sent_at(sent, arrived), arrived, told]
        return None

    def tcp_answer(self, packet, arrived):
        data = packet[(packet[0] & 15) * 4 :]
        if len(data) < 20:
            return None
        port, own, _, acknowledged = struct.unpack_from("!HHLL", data)
        if port != TCP_PORT or not FIRST_SOURCE_PORT <= own < FIRST_SOURCE_PORT + SOURCE_PORTS:
            return None
        return ["tcp", sent_at((acknowledged - 1) & UNSIGNED_32, arrived), arrived]


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
    period = int(interval_ms * 1000)
    start = now_us()
    # [name, how, how often, when next]
    questions = [
        ["echo", prober.echo, period, start],
        ["tcp", prober.syn, period, start + period // 2],
        ["clock", prober.clock, CLOCK_PERIOD_US, start],
    ]
    sent, late, answers, flush = {}, 0, [], start + FLUSH_US
    while True:
        now = now_us()
        for question in questions:
            name, ask, every, due = question
            if now < due:
                continue
            late = max(late, now - due)
            question[3] = due + every * ((now - due) // every + 1)
            sent[name] = sent.get(name, 0) + 1
            try:
                ask(now_us())
            except OSError:
                pass  # nobody has that address at the moment, which is what is being measured
        if now >= flush:
            tell({"atUs": now, "sent": sent, "lateUs": late, "answers": answers})
            sent, late, answers, flush = {}, 0, [], now + FLUSH_US
        wait = min(flush, *(due for _, _, _, due in questions)) - now_us()
        ready, _, _ = select.select([prober.icmp, prober.tcp], [], [], max(wait, 0) / 1e6)
        if prober.icmp in ready:
            answers.extend(received(prober.icmp, prober.icmp_answer))
        if prober.tcp in ready:
            answers.extend(received(prober.tcp, prober.tcp_answer))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], float(sys.argv[2]))
