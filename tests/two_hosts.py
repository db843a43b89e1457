#!/usr/bin/env python3
"""Two hosts on one machine, and programs that train across them.

    python3 tests/two_hosts.py MPI_RANKS DISTRIBUTED      the examples mpi_ranks (tests/mpi_ranks.rs) and distributed, built

A host is a network namespace with its own address and host name; between the two there is nothing but a pair of virtual network
cards, or two TUN devices with a relay between them that holds back each packet for 10 ms: not every kernel has netem. mpirun is started on one and starts its daemon on the other. It needs
mpirun and ip (Debian: openmpi-bin, iproute2), and to be root.
"""

import collections
import contextlib
import fcntl
import os
import select
import shlex
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from mpi_training import BOUND, accuracy, parameters
from mpirun import Job, mpirun

NETWORK = "10.213.77.0/24"
ADDRESSES = ("10.213.77.1", "10.213.77.2")
NAMES = ("nn-first", "nn-second")
DELAY = 0.010
# Of linux/if_tun.h: a device of IP packets, without a header of its own.
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
LONGEST_PACKET = 9000
ECHO = """
import socket, sys
server = socket.create_server((sys.argv[1], 7007))
print("listens", flush=True)
connection, _ = server.accept()
while (text := connection.recv(100)):
    connection.send(text)
"""
ASK = """
import socket, sys, time
connection = socket.create_connection((sys.argv[1], 7007))
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
times = []
for _ in range(20):
    start = time.monotonic()
    connection.send(b"x")
    connection.recv(1)
    times.append(time.monotonic() - start)
print(sorted(times)[10])
"""


def ip(*words):
    subprocess.run(["ip", *words], check=True)


class Relay:
    """Passes packets between two network cards, each so many seconds after it came."""

    def __init__(self, cards, delay):
        self.delay, self.devices, self.lost, self.ended = delay, [], 0, False
        for card in cards:
            device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", card.encode(), IFF_TUN | IFF_NO_PI))
            self.devices.append(device)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        # When to pass it on, to where, and what.
        held = collections.deque()
        while not self.ended:
            wait = min(0.1, max(0.0, held[0][0] - time.monotonic())) if held else 0.1
            ready, _, _ = select.select(self.devices, [], [], wait)
            for device in ready:
                with contextlib.suppress(BlockingIOError):
                    while True:
                        packet = os.read(device, LONGEST_PACKET + 100)
                        other = self.devices[1 - self.devices.index(device)]
                        held.append((time.monotonic() + self.delay, other, packet))
            while held and held[0][0] <= time.monotonic():
                _, device, packet = held.popleft()
                try:
                    os.write(device, packet)
                except OSError:
                    # As a network does where a queue is full; TCP sends it again.
                    self.lost += 1

    def end(self):
        self.ended = True
        self.thread.join()
        for device in self.devices:
            os.close(device)


class Hosts:
    """Two hosts, for as long as the `with` block lasts."""

    def __init__(self, delay=None):
        self.delay, self.relay, self.folder = delay, None, tempfile.TemporaryDirectory()
        self.spaces = [f"nn{os.getpid()}{letter}" for letter in "ab"]

    def __enter__(self):
        try:
            for space in self.spaces:
                ip("netns", "add", space)
            cards = [f"{space}0" for space in self.spaces]
            if self.delay is None:
                ip("link", "add", cards[0], "type", "veth", "peer", "name", cards[1])
            else:
                self.relay = Relay(cards, self.delay)
            for space, card, address in zip(self.spaces, cards, ADDRESSES):
                ip("link", "set", card, "netns", space)
                ip("-n", space, "link", "set", "lo", "up")
                ip("-n", space, "address", "add", f"{address}/24", "dev", card)
                ip("-n", space, "link", "set", card, "mtu", str(LONGEST_PACKET), "up")
            # What mpirun calls in the place of ssh: with the host's address and a command for its shell.
            self.agent = Path(self.folder.name, "agent")
            cases = "".join(
                f'{address}) exec {shlex.join(self.words_on(k))} sh -c "$*" ;;\n' for k, address in enumerate(ADDRESSES)
            )
            self.agent.write_text(f'#!/bin/sh\nhost=$1\nshift\ncase "$host" in\n{cases}esac\nexit 1\n')
            self.agent.chmod(0o755)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.relay:
            self.relay.end()
        for space in self.spaces:
            subprocess.run(["ip", "netns", "del", space], stderr=subprocess.DEVNULL)
        self.folder.cleanup()

    def words_on(self, host):
        """What a command on that host begins with."""
        named = ["sh", "-c", f'hostname {NAMES[host]} && exec "$@"', "sh"]
        return ["ip", "netns", "exec", self.spaces[host], "unshare", "--uts", *named]

    def mpirun(self, ranks, *command, limit=300):
        """Runs a program as so many ranks on each host."""
        tcp = ["--mca", "pml", "ob1", "--mca", "btl", "tcp,self,vader"]
        for what in ("btl", "oob"):
            tcp += ["--mca", f"{what}_tcp_if_include", NETWORK]
        hosts = ",".join(f"{address}:{ranks}" for address in ADDRESSES)
        words = ["mpirun", "--mca", "plm_rsh_agent", str(self.agent), *tcp, "--bind-to", "none", "--host", hosts]
        return Job([*self.words_on(0), *words, "-n", 2 * ranks, *command], limit)

    def round_trip(self):
        """Seconds from one host to the other and back."""
        server = subprocess.Popen(
            [*self.words_on(1), sys.executable, "-c", ECHO, ADDRESSES[1]], stdout=subprocess.PIPE, text=True
        )
        server.stdout.readline()
        asked = subprocess.run(
            [*self.words_on(0), sys.executable, "-c", ASK, ADDRESSES[1]], stdout=subprocess.PIPE, text=True, check=True
        )
        server.wait()
        return float(asked.stdout)


def check_sums(program, hosts):
    """Sums across the hosts, and a rank on the other one that leaves or is killed."""
    names = hosts.mpirun(1, "hostname").succeeds().output.split()
    if sorted(names) != sorted(NAMES):
        sys.exit(f"the ranks are on {names}, not on {NAMES}")
    for what in ("sums", "beside", "broadcast", "same"):
        hosts.mpirun(1, program, what).succeeds()
    hosts.mpirun(2, program, "sums").succeeds()
    hosts.mpirun(1, program, "leave", "1", "no more").fails("rank 0: error: rank 1 has left: no more")
    hosts.mpirun(1, program, "kill", "1").fails()


def check_digits(program, hosts, folder):
    """Digits are trained across the hosts to the network of one process."""
    one = mpirun(1, program, "digits", "--parameters", folder / "one").succeeds()
    job = hosts.mpirun(1, program, "digits", "--parameters", folder / "two").succeeds()
    pairs = zip(parameters(folder / "two", 2), parameters(folder / "one", 1), strict=True)
    off = max(abs(ours - theirs) for ours, theirs in pairs)
    job.expect(off <= BOUND, f"parameters are {off:.1e} from those of one process")
    job.expect(accuracy(job) == accuracy(one), f"the accuracy is {accuracy(job)}, on one host {accuracy(one)}")
    return f"digits to an accuracy of {accuracy(job):.3f} in {job.seconds:.1f} s"


def main():
    if os.geteuid() != 0:
        sys.exit("tests/two_hosts.py: only root can make network namespaces")
    ranks, distributed = (Path(path).resolve() for path in sys.argv[1:3])
    for delay in (None, DELAY):
        with Hosts(delay) as hosts, tempfile.TemporaryDirectory() as folder:
            there_and_back = hosts.round_trip()
            # Each packet is held back on its way there, and on its way back.
            least, most = (2 * delay, 2 * delay + 0.01) if delay else (0.0, 0.002)
            if not least <= there_and_back <= most:
                sys.exit(f"there and back takes {there_and_back * 1e3:.2f} ms, not {least * 1e3} to {most * 1e3} ms")
            start = time.monotonic()
            check_sums(ranks, hosts)
            seconds = time.monotonic() - start
            digits = check_digits(distributed, hosts, Path(folder))
        sums = f"sums, and ranks that go, in {seconds:.0f} s"
        print(f"two hosts, there and back in {there_and_back * 1e3:.2f} ms: {sums}; {digits}", flush=True)


if __name__ == "__main__":
    main()
