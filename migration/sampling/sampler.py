"""Tells how busy a host is, and one guest's QEMU on it: a line of JSON every so often, with counters that only grow.

  sampler.py GUEST PEER INTERVAL_MS [ROOT]     until it is ended, or nobody reads it

  at          this host's wall clock, seconds since 1970; it goes on evenly when that is set
  hostCpuMs   what all its CPUs were busy; in a container: those of the whole machine
  sent, received   bytes, by the interface that leads to PEER, whoever's they were
  qemuCpuMs   of the guest's QEMU, and of it
  vcpuMs      of each virtual CPU's thread; both absent: it does not run here
  energyUj    what the CPUs' packages drew (RAPL); absent: they do not say

What this host does not tell is absent. Files alone are read (/proc, and below ROOT /sys and /run); nothing is kept. Python's standard library alone.
"""

import fcntl
import glob
import json
import os
import socket
import struct
import sys
import time

TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")
SIOCGIFADDR = 0x8915


def read(path):
    with open(path) as file:
        return file.read()


def host_cpu_ms():
    user, nice, system, _idle, _wait, irq, softirq = (int(each) for each in read("/proc/stat").split()[1:8])
    return (user + nice + system + irq + softirq) * TICK_MS


def cpu_ms(path):
    """utime and stime, behind the name, in which there may be anything."""
    fields = read(path).rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_MS


def interface_to(peer):
    """None: no IPv4 interface leads there. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((peer, 9))
            own = probe.getsockname()[0]
        except OSError:
            return None
        for _, name in socket.if_nameindex():
            try:
                asked = fcntl.ioctl(probe, SIOCGIFADDR, struct.pack("256s", name.encode()))
            except OSError:
                continue
            if socket.inet_ntoa(asked[20:24]) == own:
                return name
    return None


class Qemu:
    """A guest's, as libvirt names it. It may come, go, and come again as another process."""

    def __init__(self, root, guest):
        self.file = "%s/run/libvirt/qemu/%s.pid" % (root, guest)
        self.process, self.vcpus = None, []

    def counters(self):
        process = int(read(self.file))
        folder = "/proc/%d" % process
        used = {"qemuCpuMs": cpu_ms(folder + "/stat")}
        if process != self.process or not self.vcpus:
            self.process, self.vcpus = process, self.vcpu_threads(folder)
        if self.vcpus:
            used["vcpuMs"] = [cpu_ms(thread + "/stat") for thread in self.vcpus]
        return used

    @staticmethod
    def vcpu_threads(folder):
        named = []
        for thread in os.listdir(folder + "/task"):
            kind, _, number = read("%s/task/%s/comm" % (folder, thread)).partition(" ")
            if kind == "CPU":
                named.append((int(number.partition("/")[0]), "%s/task/%s" % (folder, thread)))
        return [thread for _, thread in sorted(named)]


class Energy:
    """Of the packages together: zones within one, and the whole machine's, are left out. Their counters begin anew at their end."""

    def __init__(self, root):
        zones = [os.path.dirname(name) for name in glob.glob(root + "/sys/class/powercap/intel-rapl:*/name")]
        self.zones = [zone for zone in zones if self.is_package(zone)]
        self.last, self.total = [self.look(zone) for zone in self.zones], 0

    @classmethod
    def is_package(cls, zone):
        try:
            return read(zone + "/name").startswith("package-") and cls.look(zone) >= 0
        except (OSError, ValueError):  # only root may read it
            return False

    @staticmethod
    def look(zone):
        return int(read(zone + "/energy_uj"))

    def counters(self):
        if not self.zones:
            return {}
        now = [self.look(zone) for zone in self.zones]
        for zone, before, then in zip(self.zones, self.last, now):
            self.total += then - before if then >= before else then - before + int(read(zone + "/max_energy_range_uj"))
        self.last = now
        return {"energyUj": self.total}


def traffic(interface):
    for line in read("/proc/net/dev").splitlines():
        name, _, numbers = line.partition(":")
        if name.strip() == interface:
            counters = numbers.split()
            return {"sent": int(counters[8]), "received": int(counters[0])}
    return {}


def told(counters):
    """What cannot be read is left out."""
    try:
        return counters()
    except (OSError, ValueError, IndexError):
        return {}


def main(guest, peer, interval_ms, root=""):
    qemu, interface = Qemu(root, guest), interface_to(peer)
    energy = Energy(root)
    parts = [lambda: {"hostCpuMs": host_cpu_ms()}, lambda: traffic(interface), qemu.counters, energy.counters]
    ahead, interval, due = time.time() - time.monotonic(), int(interval_ms) / 1000, time.monotonic()
    while True:
        line = {"at": round(ahead + time.monotonic(), 4)}
        for part in parts:
            line.update(told(part))
        os.write(1, json.dumps(line, separators=(",", ":")).encode() + b"\n")
        # Late once is not late for ever.
        due = max(due + interval, time.monotonic())
        time.sleep(due - time.monotonic() if due > time.monotonic() else 0)


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except BrokenPipeError:
        pass  # nobody reads it any more
