#!/usr/bin/env python3
"""What `sekisho rtr config` prints is loaded by BIRD, FRR and OpenBGPD, and does
there what it says: the router holds our payloads, and of three routes that a
neighbour announces, the invalid one is seen, less preferred, or gone.

The routers are started here, on loopback and free ports, without a kernel to
write to; to that end ports, addresses and a control socket are put into the
configuration, and nothing else. What the comments name as commands "to see
that it works" is what is asked here."""
import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers
from rtrserver import Process, Server, free_port, patient, wait_for, world
from tap import Tap

tap = Tap()
OURS, THEIRS = 64496, 64497
# One route is valid, one invalid, one has no ROA.
VALID, INVALID, UNKNOWN = "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"
VRPS = [(THEIRS, VALID, 24), (64511, INVALID, 24), (THEIRS, "2001:db8::/32", 48)]
POLICIES = ("observe", "prefer", "drop")
SECONDS = 40
FRR_BGPD = "/usr/lib/frr/bgpd"


def module():
    for folder in ("/usr/lib/%s-linux-gnu/frr/modules" % os.uname().machine, "/usr/lib/frr/modules"):
        if os.path.exists(os.path.join(folder, "bgpd_rpki.so")):
            return True
    return False


def ask(argv):
    r = subprocess.run(argv, capture_output=True, text=True, timeout=patient(30))
    return r.stdout + r.stderr


def kit(vendor, policy, *words, lang="en"):
    r = peers.run([peers.sekisho(), "--lang", lang, "rtr", "config", "--vendor", vendor, "--policy", policy,
                   "--asn", str(OURS)] + list(words), seconds=30)
    if r.status != 0:
        raise RuntimeError(r.err)
    return r.out


def write(path, text, mode=0o600):
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


# --- loading ---

def load(vendor, path):
    """(status, output) of the program that checks a configuration."""
    argv = {"bird": ["bird", "-p", "-c", path], "openbgpd": ["bgpd", "-n", "-f", path],
            "frr": ["vtysh", "-C", "-f", path]}[vendor]
    r = subprocess.run([peers.find(argv[0])] + argv[1:], capture_output=True, text=True, timeout=patient(60))
    return r.returncode, r.stdout + r.stderr


PROGRAM = {"bird": "bird", "openbgpd": "bgpd", "frr": "vtysh"}
LOADS = [
    ("two caches", ["--cache", "127.0.0.1", "--cache", "[::1]:8283"], None),
    ("sessions", ["--cache", "127.0.0.1", "--cache", "::1", "--router-id", "192.0.2.9",
                  "--peer", "198.51.100.1=64497", "--peer", "2001:db8::9=64498"], None),
    ("ssh", ["--cache", "127.0.0.1", "--cache", "::1", "--transport", "ssh", "--ssh-key", "/etc/k",
             "--ssh-host-key", "/etc/h"], ("bird", "frr")),
]


def case_load(vendor):
    if peers.missing(PROGRAM[vendor]):
        tap.skip("%s loads" % vendor, "%s is not installed" % PROGRAM[vendor])
        return
    with tempfile.TemporaryDirectory(prefix="sekisho-kit-") as folder:
        for what, words, only in LOADS:
            if only is not None and vendor not in only:
                continue
            for policy in POLICIES:
                for lang in ("en", "ja"):
                    path = write(os.path.join(folder, "conf"), kit(vendor, policy, *words, lang=lang))
                    status, out = load(vendor, path)
                    tap.ok(status == 0, "%s loads: %s, %s, %s" % (vendor, what, policy, lang), out)
        # A program that takes anything would prove nothing.
        path = write(os.path.join(folder, "conf"), kit(vendor, "drop", *LOADS[0][1]) + "\nnonsense here;\n")
        tap.ok(load(vendor, path)[0] != 0, "%s refuses nonsense" % vendor)


# --- running ---

class Feeder:
    """A neighbour (BIRD) that announces the three routes."""

    def __init__(self, folder, port, to_port):
        routes = "".join("\troute %s blackhole;\n" % r for r in (VALID, INVALID, UNKNOWN))
        conf = write(os.path.join(folder, "feeder.conf"),
                     "log stderr all;\nrouter id 127.0.0.2;\nprotocol device { }\n"
                     "protocol static {\n\tipv4;\n%s}\nprotocol bgp {\n"
                     "\tlocal 127.0.0.2 port %d as %d;\n\tneighbor 127.0.0.1 port %d as %d;\n"
                     "\tstrict bind yes;\n\tmultihop;\n\tconnect delay time 1;\n\tconnect retry time 1;\n"
                     "\terror wait time 1, 2;\n"
                     # FRR takes no next hop of 127/8.
                     "\tipv4 { import none; export filter { bgp_next_hop = 203.0.113.254; accept; }; };\n}\n"
                     % (routes, port, THEIRS, to_port, OURS))
        self.process = Process([peers.find("bird"), "-f", "-c", conf, "-s",
                                os.path.join(folder, "feeder.ctl"), "-P", os.path.join(folder, "feeder.pid")],
                               os.path.join(folder, "feeder.log"))


class Bird:
    vendor = "bird"

    def __init__(self, folder, text, port, to_port):
        self.ctl = os.path.join(folder, "bird.ctl")
        text = text.replace("local as %d;" % OURS,
                            "local 127.0.0.1 port %d as %d; strict bind yes; multihop; passive yes;" % (port, OURS))
        text = text.replace("neighbor 127.0.0.2 as", "neighbor 127.0.0.2 port %d as" % to_port)
        conf = write(os.path.join(folder, "bird.conf"), "log stderr all;\n" + text)
        self.process = Process([peers.find("bird"), "-f", "-c", conf, "-s", self.ctl,
                                "-P", os.path.join(folder, "bird.pid")], os.path.join(folder, "bird.log"))

    def birdc(self, *words):
        return ask([peers.find("birdc"), "-r", "-s", self.ctl, *words])

    def has_data(self):
        return all("Established" in self.birdc("show protocols all " + c) for c in ("cache1", "cache2")) and \
            re.search(r"[1-9]\d* of \d+ routes for 2 networks",
                      self.birdc("show route table rpki4 count")) is not None

    def routes(self):
        """{prefix: preference} of what is used."""
        out, at = {}, None
        for line in self.birdc("show route table master4 all").splitlines():
            m = re.match(r"(\d+\.\S+/\d+)", line)
            at = m[1] if m else at
            m = re.search(r"BGP.local_pref: (\d+)", line)
            if m and at:
                out[at] = int(m[1])
        return out

    def invalid(self, policy):
        """What the command of the comments shows for the policy."""
        where = {"observe": "rpki_state = 2", "prefer": "bgp_local_pref = 50",
                 "drop": "roa_check(rpki4, net, bgp_path.last) = ROA_INVALID"}[policy]
        return set(re.findall(r"^(\d+\.\S+/\d+)", self.birdc(
            "show route table master4 where " + where), re.M))


class OpenBgpd:
    vendor = "openbgpd"

    def __init__(self, folder, text, port, to_port):
        self.ctl = os.path.join(folder, "bgpd.sock")
        os.makedirs("/run/openbgpd", exist_ok=True)
        text = text.replace("neighbor 127.0.0.2 {", "neighbor 127.0.0.2 {\n\tport %d\n\tlocal-address 127.0.0.1"
                            "\n\tmultihop 2\n\tpassive" % to_port)
        # What the comments say: the kit's rules stand behind those that allow.
        conf = write(os.path.join(folder, "bgpd.conf"),
                     'listen on 127.0.0.1 port %d\nfib-update no\nsocket "%s"\nallow from ebgp\n%s'
                     % (port, self.ctl, text))
        self.process = Process([peers.find("bgpd"), "-d", "-v", "-f", conf], os.path.join(folder, "bgpd.log"))

    def bgpctl(self, *words):
        return ask([peers.find("bgpctl"), "-s", self.ctl, *words])

    def has_data(self):
        return re.search(r"^ROA\s+RPKI ROA\s+2\s+1", self.bgpctl("show", "sets"), re.M) is not None and \
            re.search(r"Serial|serial", self.bgpctl("show", "rtr")) is not None

    def routes(self):
        return {m[1]: int(m[2]) for m in re.finditer(
            r"(\d+\.\d+\.\d+\.\d+/\d+)\s+203\.0\.113\.254\s+(\d+)", self.bgpctl("show", "rib"))}

    def invalid(self, policy):
        return set(re.findall(r"(\d+\.\d+\.\d+\.\d+/\d+)\s", self.bgpctl("show", "rib", "ovs", "invalid")))


class Frr:
    vendor = "frr"

    def __init__(self, folder, text, port, to_port):
        self.folder = folder
        text = text.replace(" neighbor 127.0.0.2 remote-as %d\n" % THEIRS,
                            " neighbor 127.0.0.2 remote-as %d\n neighbor 127.0.0.2 port %d\n"
                            " neighbor 127.0.0.2 disable-connected-check\n neighbor 127.0.0.2 passive\n"
                            " neighbor 127.0.0.2 update-source 127.0.0.1\n" % (THEIRS, to_port))
        conf = write(os.path.join(folder, "bgpd.conf"), text, 0o644)
        self.process = Process([FRR_BGPD, "-S", "-Z", "-n", "-M", "rpki", "-f", conf, "-p", str(port),
                                "-l", "127.0.0.1", "-i", os.path.join(folder, "bgpd.pid"), "-A", "127.0.0.1",
                                "-P", "0", "--vty_socket", folder, "--log", "stdout"],
                               os.path.join(folder, "bgpd.log"))

    def vtysh(self, words):
        return ask([peers.find("vtysh"), "--vty_socket", self.folder, "-d", "bgpd", "-c", words])

    def has_data(self):
        return "(connected)" in self.vtysh("show rpki cache-connection") and \
            re.search(r"Number of IPv4 Prefixes: 2", self.vtysh("show rpki prefix-table")) is not None

    def rows(self, words):
        return {m[1]: int(m[2] or 100) for m in re.finditer(
            r"(\d+\.\d+\.\d+\.\d+/\d+)\s+203\.0\.113\.254\s+(50\s)?", self.vtysh(words))}

    def routes(self):
        return self.rows("show bgp ipv4 unicast")

    def invalid(self, policy):
        return set(self.rows("show bgp ipv4 unicast rpki invalid"))


# What the first column of the checks says of itself as good, as a pattern;
# of the check of invalid routes it is the routes (good_routes()).
GOOD = {
    "birdc show protocols all cache1": r"(?s)\bup\b.*Established.*Serial number:\s+\d",
    "birdc show route table rpki4 count": r"[1-9]\d* of [1-9]\d* routes",
    "vtysh -c 'show rpki cache-connection'": r"\(connected\)",
    "vtysh -c 'show rpki prefix-table'": r"Number of IPv4 Prefixes: 2",
    "bgpctl show rtr": r"(?s)Serial.*\d.*RTR RefreshTimer",
    "bgpctl show sets": r"RPKI ROA\s+2\s+1",
}
REFUSED = r"syntax error|[Uu]nknown command|[Cc]ommand incomplete|[Aa]mbiguous|valid commands|No such|refused"


def wrapper(folder, router):
    """A folder where the command of the same name finds the router of this test, and nothing else."""
    where = os.path.join(folder, "bin")
    os.makedirs(where, exist_ok=True)
    name, words = {"bird": ("birdc", ["-r", "-s", getattr(router, "ctl", "")]),
                   "openbgpd": ("bgpctl", ["-s", getattr(router, "ctl", "")]),
                   "frr": ("vtysh", ["--vty_socket", folder, "-d", "bgpd"])}[router.vendor]
    write(os.path.join(where, name), "#!/bin/sh\nexec %s %s \"$@\"\n" % (peers.find(name), " ".join(words)), 0o755)
    return where


def by_hand(command, where):
    """As a person types it: the whole line goes to the shell."""
    r = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, timeout=patient(30),
                       env={**os.environ, "PATH": where + ":/usr/bin:/bin"})
    return r.returncode, r.stdout + r.stderr


def good_routes(out, policy):
    """The check of invalid routes: they are there as the policy leaves them, or gone."""
    if policy == "drop":
        return INVALID not in out and VALID not in out
    lines = [x for x in out.splitlines() if INVALID in x]
    return len(lines) > 0 and VALID not in out and UNKNOWN not in out


def checks_hold(name, router, policy, folder):
    """Each command that the kit prints "to see that it works" works on the running router, and is good."""
    checks = json.loads(kit(router.vendor, policy, "--cache", "127.0.0.1", "--cache", "127.0.0.3",
                            "--peer", "127.0.0.2=%d" % THEIRS, "--json"))["checks"]
    where = wrapper(folder, router)
    tap.ok(len(checks) == 3, name + ": three commands to see that it works", checks)
    for c in checks:
        status, out = by_hand(c["command"], where)
        good = re.search(GOOD[c["command"]], out) if c["command"] in GOOD else good_routes(out, policy)
        tap.ok(status == 0 and not re.search(REFUSED, out) and good, "%s: %s" % (name, c["command"]),
               "%d\n%s" % (status, out))
    # An answer that is there in any case would say nothing: the router's program must know wrong words.
    status, out = by_hand(checks[0]["command"].replace("show", "shwo"), where)
    tap.ok(status != 0 or re.search(REFUSED, out), name + ": a command that is none is refused", out)
    return lambda: not re.search(GOOD[checks[0]["command"]], by_hand(checks[0]["command"], where)[1])


def settled(router, policy):
    """All routes that the policy leaves are there, as it leaves them."""
    want = {VALID: 100, INVALID: 100, UNKNOWN: 100}
    if policy == "prefer":
        want[INVALID] = 50
    if policy == "drop":
        del want[INVALID]
    return router.routes() == want and router.invalid(policy) == (set() if policy == "drop" else {INVALID})


def case_run(cls, policy):
    name = "%s, %s" % (cls.vendor, policy)
    with tempfile.TemporaryDirectory(prefix="sekisho-kit-") as folder:
        os.chmod(folder, 0o755)
        with Server(world(VRPS)) as one, Server(world(VRPS)) as two:
            ours, theirs = free_port(), free_port()
            # Two caches must be two addresses; the servers of the test have one.
            text = kit(cls.vendor, policy, "--cache", "127.0.0.1:%d" % one.port,
                       "--cache", "127.0.0.3:%d" % two.port, "--peer", "127.0.0.2=%d" % THEIRS,
                       "--router-id", "127.0.0.1")
            text = text.replace("127.0.0.3", "127.0.0.1")
            router, feeder = None, None
            try:
                router = cls(folder, text, ours, theirs)
                got = wait_for(router.has_data, SECONDS, 0.5)
                tap.ok(got, name + ": holds our payloads", router.process.text()[-1500:])
                feeder = Feeder(folder, theirs, ours)
                tap.ok(wait_for(lambda: settled(router, policy), SECONDS, 0.5),
                       name + ": the invalid route fares as it should",
                       "%r %r\n%s" % (router.routes(), router.invalid(policy), router.process.text()[-2500:]))
                is_bad = checks_hold(name, router, policy, folder)
                if cls is not OpenBgpd:		# it shows the last serial number of a session for ever
                    one.process.stop()
                    two.process.stop()
                    tap.ok(wait_for(is_bad, 20, 0.5), name + ": without caches the first command says so")
            finally:
                for r in (feeder, router):
                    if r is not None:
                        r.process.stop()


def absent(cls):
    need = {"bird": ("bird", "birdc"), "openbgpd": ("bgpd", "bgpctl", "bird"), "frr": ("vtysh", "bird")}
    what = peers.missing(*need[cls.vendor])
    if what is None and cls is Frr and not os.path.exists(FRR_BGPD):
        what = FRR_BGPD
    if what is None and cls is Frr and not module():
        what = "frr-rpki-rtrlib"
    if what is not None:
        return what + " is not installed"
    if cls is not Bird and os.geteuid() != 0:
        return "it has to be started by root"
    return None


def main():
    if not os.path.exists(peers.sekisho()):
        tap.skip("kit", "sekisho is not built")
        return tap.done()
    for vendor in ("bird", "frr", "openbgpd"):
        tap.case(case_load, vendor)
    for cls in (Bird, Frr, OpenBgpd):
        why = absent(cls)
        if why is not None:
            tap.skip("%s runs" % cls.vendor, why)
            continue
        for policy in POLICIES:
            tap.case(case_run, cls, policy)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
