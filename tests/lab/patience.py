"""
How long tests wait, and which ports they take.

A test waits for a condition, never for a while: how long that takes is the
machine's affair, and one that builds and tests beside it may be ten times
slower than the one on which the test was written. So the seconds that a test
names are what an idle machine needs at the very most; they are given PATIENCE
times, which costs nothing when all is well. Who expects that something does
*not* happen uses stays(): that is real time.
"""
import os
import random
import socket
import time

PATIENCE = float(os.environ.get("SEKISHO_PATIENCE", "6"))


def patient(seconds):
    return seconds * PATIENCE


def wait_for(cond, seconds=20, step=0.1):
    """cond() as soon as it is true, else None; what it raises counts as not yet."""
    end, why = time.monotonic() + patient(seconds), None
    while True:
        try:
            got = cond()
            if got:
                return got
            why = None
        except Exception as e:	# a process that starts, stops, is killed answers in many ways
            why = e
        if time.monotonic() > end:
            if why is not None:
                print("# waited in vain: %r" % why, flush=True)
            return None
        time.sleep(step)


def stays(cond, seconds, step=0.1):
    """Is cond() true all the time, for so many seconds of the clock?"""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not cond():
            return False
        time.sleep(step)
    return True


def _outside():
    """The ports that the kernel gives to nobody by itself."""
    try:
        with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
            low, high = (int(x) for x in f.read().split())
    except (OSError, ValueError):
        low, high = 32768, 60999
    return range(12000, low) if low >= 20000 else range(high + 1, 65536) if high < 60000 else None


SLICE = 64	# ports of one test: others that run beside it, and have drawn but not bound yet, have another
_given = set()


def free_port(address="127.0.0.1"):
    """
    A port for a server that is started later, or is killed and comes back: not
    one that the kernel might give to any connection meanwhile.
    """
    ports = _outside()
    for n in range(1000):
        port = 0
        if ports and n < 500:
            port = ports[os.getpid() % (len(ports) // SLICE) * SLICE + random.randrange(SLICE)]
        elif ports:
            port = random.choice(ports)
        with socket.socket() as s:
            try:
                s.bind((address, port))
            except OSError:
                continue
            port = s.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port
    raise OSError("no free port")
