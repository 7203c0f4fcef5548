#!/usr/bin/env python3
"""The round trip of a message through a filter: ours, opendkim with opendmarc, rspamd.

	meson compile -C build bench-milter

A mail server's side of the milter protocol (milter_load) keeps 1, 2, 8 and 32
connections, on each one message after the other and EACH of them before a new
connection, as Postfix does. A message of 2, 20 or 100 kB has one signature
that holds (RSA-2048, relaxed forms), and its author's domain has SPF and
p=reject. Who does not say dkim=pass, spf=pass and dmarc=pass ends the bench.

 ours		`sekisho serve`, role milter: SPF, DKIM, ARC, DMARC; nothing kept
 ours, rows	with mail.reports: aggregate. A verdict leaves when its row is on
		the disk: fdatasync, shared by those that wait at the same time
 chain		opendkim, then opendmarc (which does the SPF), no ARC; nothing kept
 chain, rows	with opendmarc's HistoryFile, which nobody syncs
 libmilter	a filter by libmilter that does nothing: what that library takes of ours
		and of the chain before anything is judged
 rspamd		its milter proxy scans by itself, a process a core: spf, dkim,
		dmarc, arc and nothing else (it takes texts apart into words all
		the same, which no option prevents); nothing kept

p50, p99 and most: milliseconds from a message's first octet (its connection's,
for the first of one) to the verdict; CPU: microseconds of processor time a
message of all processes of that row; load: the same of milter_load. Medians of
RUNS turns, each of BENCH_SECONDS (1) for each cell. Client, servers and the DNS
share the cores; sockets are of the UNIX domain. The DNS is a table in C that
answers at once; each keeps of its answers what it does by default (opendmarc
keeps nothing). memory: 200 connections with a message of 10 MB under way,
before its end.

BENCH_RUNS=N, BENCH_JSON=FILE as for bench.py. It needs root, as opendmarc asks
whom /etc/resolv.conf names, and gets another one for itself. A peer that is not
installed is said. The numbers mean something only while nothing else runs.
"""
import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "cli"))
import house  # noqa: E402
import mail  # noqa: E402
from kit import TOOLS, bench_begin, bench_end, cpu_s, note, peers, pss_mb, say, table
from patience import wait_for  # noqa: E402
from rspamdkit import rows_make  # noqa: E402

RUNS = int(os.environ.get("BENCH_RUNS", "5"))
SECONDS = os.environ.get("BENCH_SECONDS", "1")
SIZES = (2, 20, 100)		# kB
CONNECTIONS = (1, 2, 8, 32)
EACH = "5"			# messages of a connection
HELD, HELD_KB = 200, 10000
LOAD, DNS, NULL = (os.path.join(TOOLS, name) for name in ("milter_load", "milter_dns", "milter_null"))
DISK_SEC = 0.5


class Missing(Exception):
    """A peer that is not there."""


def started(argv, home, name, cond):
    """A process of its own session, as soon as cond() holds."""
    log = os.path.join(home, name + ".out")
    with open(log, "wb") as out:
        p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
    if not wait_for(lambda: p.poll() is not None or cond(), 10, 0.02) or p.poll() is not None:
        stopped(p)
        with open(log, errors="replace") as f:
            raise RuntimeError("%s did not begin: %s" % (name, f.read()[-1000:]))
    return p


def stopped(p):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(p.pid, 15)
    try:
        p.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, 9)
        p.wait()


class Names:
    """The DNS. An address of its own, as /etc/resolv.conf has no ports."""

    def __init__(self, stack, work, record):
        self.address = "127.%d.%d.53" % (77 + os.getpid() // 65536 % 100, os.getpid() // 256 % 256)
        rows = rows_make(["example.jp TXT v=spf1 ip4:192.0.2.1 -all", "_dmarc.example.jp TXT v=DMARC1; p=reject",
                          "s._domainkey.example.jp TXT " + record, "mx.example.jp A 192.0.2.1"])
        path = os.path.join(work, "rows")
        with open(path, "w") as f:
            f.writelines("%s %d %s\n" % (name, kind, data.hex()) for (name, kind), all_ in rows.items() for data in all_)
        log = os.path.join(work, "dns.out")
        p = started([DNS, "serve", self.address, "53", path], work, "dns", lambda: os.path.getsize(log) > 0)
        stack.callback(stopped, p)
        self.resolv = os.path.join(work, "resolv.conf")
        with open(self.resolv, "w") as f:
            f.write("nameserver %s\n" % self.address)

    def rate(self):
        return float(subprocess.run([DNS, "ask", self.address, "53", "example.jp", "1"], check=True,
                                    stdout=subprocess.PIPE).stdout)

    def asked_by(self, argv):
        """argv, where /etc/resolv.conf names this DNS."""
        return ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', self.resolv, *argv]


# --- who is measured: each has filters [(where, words)] and pids of processes ---

OURS = """state: state
rpki:
  tals: house.tal
fetch:
  mode: off
rtr:
  listen: 127.0.0.1:%d
web:
  listen: 127.0.0.1:%d
log:
  op: op.log
mail:
  milter:
    listen: unix:%s/milter
  authserv-id: mx.here.test
  reports: %s
  reporting:
    email: dmarc@here.test
  policy: enforce
  resolver: %s:53
"""


class Ours(house.House):
    def __init__(self, stack, work, names, reports):
        home = os.path.join(work, "ours-" + reports)
        os.mkdir(home)
        self.reports, self.names, self.kept = reports, names, 0
        super().__init__(home)
        stack.callback(self.stop)
        self.start()
        if not wait_for(lambda: self.role("milter")["ready"], 10):
            raise RuntimeError("sekisho serve did not begin: " + self.log())
        self.filters = [("unix:%s/milter" % home, "dkim=pass,spf=pass,dmarc=pass")]
        self.pids = [self.proc.pid]

    def write_conf(self, rtr="", top=""):
        with open(self.conf, "w") as f:
            f.write(OURS % (*self.ports, self.folder, self.reports, self.names.address))

    def check(self):
        """Nothing was lost on the way."""
        c = self.status()["details"]["milter"]["status"]
        if c["rows_lost"] or c["crowded"] or c["not_judged"] or c["rejected"]:
            raise RuntimeError("ours: %r" % c)


OPENDKIM = """Mode v
Socket local:%(home)s/dkim
Background no
Syslog no
AuthservID mx.here.test
AlwaysAddARHeader yes
Nameservers %(dns)s
"""
OPENDMARC = """Socket local:%(home)s/dmarc
Background false
Syslog false
AuthservID mx.here.test
TrustedAuthservIDs mx.here.test
RejectFailures true
SPFIgnoreResults true
SPFSelfValidate true
PublicSuffixList /usr/share/publicsuffix/public_suffix_list.dat
"""


class Chain:
    """As Debian has them, with what they need to do the same work."""

    def __init__(self, stack, work, names, history):
        for program in ("opendkim", "opendmarc"):
            if peers.find(program) is None:
                raise Missing("%s is not installed" % program)
        self.home = os.path.join(work, "chain-%s" % ("rows" if history else "none"))
        os.mkdir(self.home)
        self.history = os.path.join(self.home, "history") if history else None
        self.filters, self.pids = [], []
        more = "HistoryFile %s\n" % self.history if history else ""
        for name, text, words in (("opendkim", OPENDKIM, "dkim=pass"), ("opendmarc", OPENDMARC + more, "spf=pass,dmarc=pass")):
            conf, sock = os.path.join(self.home, name + ".conf"), os.path.join(self.home, name[4:])
            with open(conf, "w") as f:
                f.write(text % {"home": self.home, "dns": names.address})
            p = started(names.asked_by([peers.find(name), "-f", "-c" if name == "opendmarc" else "-x", conf]), self.home,
                        name, lambda sock=sock: os.path.exists(sock))
            stack.callback(stopped, p)
            self.filters.append(("unix:" + sock, words))
            self.pids.append(p.pid)

    def check(self):
        if self.history and not os.path.getsize(self.history):
            raise RuntimeError("opendmarc has no history")


RSPAMD = """
options {
	filters = "dkim";
	pidfile = "%(home)s/pid"; tempdir = "%(home)s"; hs_cache_dir = "%(home)s"; cache_file = "%(home)s/symbols";
	control_socket = "%(home)s/control mode=0600"; url_tld = "%(home)s/suffixes";
	dns { nameserver = ["%(dns)s"]; timeout = 10s; retransmits = 2; }
}
logging { type = "file"; filename = "%(home)s/log"; level = "warning"; }
worker "rspamd_proxy" { bind_socket = "%(home)s/milter mode=0600"; milter = yes; timeout = 120s; count = %(cores)d;
	upstream "local" { default = yes; self_scan = yes; } }
modules { path = "%(share)s/plugins"; }
dkim { } spf { } dmarc { } arc { }
milter_headers { use = ["authentication-results"]; authenticated_headers = []; routines { authentication-results { } } }
"""


class Rspamd:
    def __init__(self, stack, work, names):
        if peers.find("rspamd") is None:
            raise Missing("rspamd is not installed")
        self.home = os.path.join(work, "rspamd")
        os.mkdir(self.home)
        conf, sock = os.path.join(self.home, "conf"), os.path.join(self.home, "milter")
        with open(os.path.join(self.home, "suffixes"), "w") as f:	# the world's takes a minute to compile
            f.write("com\njp\nnet\ntest\n")
        with open(conf, "w") as f:
            f.write(RSPAMD % {"home": self.home, "dns": names.address, "share": "/usr/share/rspamd",
                              "cores": os.cpu_count()})
        p = started([peers.find("rspamd"), "-f", "-i", "-c", conf], self.home, "rspamd", lambda: os.path.exists(sock))
        stack.callback(stopped, p)
        self.filters, self.pids = [("unix:" + sock, "dkim=pass,spf=pass,dmarc=pass")], [p.pid]

    def check(self):
        pass


class Null:
    """libmilter alone."""

    def __init__(self, stack, work, names):
        sock = os.path.join(work, "null")
        p = started([NULL, "unix:" + sock], work, "null_", lambda: os.path.exists(sock))
        stack.callback(stopped, p)
        self.filters, self.pids = [("unix:" + sock, "-")], [p.pid]

    def check(self):
        pass


WHO = [("libmilter", "-", Null),
       ("ours", "none", lambda *a: Ours(*a, "none")),
       ("ours, rows", "fdatasync", lambda *a: Ours(*a, "aggregate")),
       ("chain", "none", lambda *a: Chain(*a, False)),
       ("chain, rows", "not synced", lambda *a: Chain(*a, True)),
       ("rspamd", "none", Rspamd)]


# --- measuring ---

def load(one, *argv):
    """One run; what it says, and the CPU s of whom it asks."""
    before = sum(cpu_s(p) for p in one.pids)
    r = subprocess.run([LOAD, *argv, *sum(map(list, one.filters), [])], capture_output=True, text=True, timeout=120)
    if r.returncode != 0:
        raise RuntimeError(r.stderr)
    out = json.loads(r.stdout)
    out["server"] = (sum(cpu_s(p) for p in one.pids) - before) / out["messages"]
    out["client"] = out["cpu"] / out["messages"]
    out["rate"] = out["messages"] / out["seconds"]
    return out


def disk_usec(work):
    """A row appended and on the disk, one after the other: what nobody alone can be faster than."""
    fd, n = os.open(os.path.join(work, "disk"), os.O_WRONLY | os.O_CREAT), 0
    begin = time.monotonic()
    while time.monotonic() - begin < DISK_SEC:
        os.write(fd, bytes(300))
        os.fdatasync(fd)
        n += 1
    os.close(fd)
    return 1e6 * DISK_SEC / n


def cells(turns):
    got = {k: statistics.median(t[k] for t in turns) for k in turns[0]}
    return ["%.2f" % (got["p50"] / 1e3), "%.2f" % (got["p99"] / 1e3), "%.1f" % (got["max"] / 1e3), "%.0f" % got["rate"],
            "%.0f" % (got["server"] * 1e6), "%.0f" % (got["client"] * 1e6)]


def bench_size(who, path, kb):
    """One table; its turns go round all of them, so that what changes on the machine meets each."""
    rows = [["filter", "durable", "conns", "p50 ms", "p99 ms", "most ms", "msgs/s", "CPU us", "load us"]]
    turns = {}
    for _ in range(RUNS):
        for n in CONNECTIONS:
            for name, _, one in who:
                turns.setdefault((n, name), []).append(load(one, SECONDS, str(n), EACH, path))
    for n in CONNECTIONS:
        rows += [[name, durable, n, *cells(turns[n, name])] for name, durable, _ in who]
    for name, _, one in who:
        one.check()
    table("a message of %d kB through a filter" % kb, rows, ["milter_load %s CONNS %s MESSAGE WHERE WORDS …" % (SECONDS, EACH)])


def held_mb(one, i, path):
    """PSS of the i-th filter's processes before, and with the messages under way; why there is none. Then
    the client is gone: nobody need judge two gigabytes."""
    pid = one.pids[i]
    before = pss_mb(pid)
    p = subprocess.Popen([LOAD, "hold", str(HELD), path, *one.filters[i]], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
    try:
        if p.stdout.readline() != "held\n":
            return before, None, p.stderr.read().strip()
        return before, pss_mb(pid), ""
    finally:
        p.kill()
        p.communicate()


def bench_memory(who, path):
    rows = [["filter", "at rest MB", "MB", "a message kB"]]
    for name, _, one in who:
        if name.endswith(", rows"):
            continue
        for i, (where, _) in enumerate(one.filters):
            before, most, why = held_mb(one, i, path)
            rows.append(["%s %s" % (name, os.path.basename(where)) if name == "chain" else name, "%.0f" % before,
                         "%.0f" % most if most else "-",
                         "%.0f" % ((most - before) * 1000 / HELD) if most else why.split("\n")[0][:40]])
    table("%d connections, each with a message of %d MB before its end: PSS" % (HELD, HELD_KB / 1000), rows,
          ["milter_load hold %d MESSAGE WHERE WORDS" % HELD])


def who_is_here(stack, work, names):
    out, missing = [], []
    for name, durable, make in WHO:
        try:
            out.append((name, durable, make(stack, work, names)))
        except Missing as e:
            missing.append("%s: %s" % (name, e))
    return out, missing


def messages_make(work):
    """Signed by one key, as there is one DNS."""
    first = mail.folder_make(work, SIZES[0])
    paths = {SIZES[0]: first}
    for kb in (*SIZES[1:], HELD_KB):
        paths[kb] = shutil.copytree(first, os.path.join(work, str(kb)))
        with open(os.path.join(paths[kb], "message"), "wb") as f:
            f.write(mail.message(kb))
        subprocess.run([mail.OURS, "sign-to", paths[kb]], check=True)
    with open(os.path.join(first, "record")) as f:
        record = f.read().strip()
    return {kb: os.path.join(p, "signed") for kb, p in paths.items()}, record


def bench(stack):
    work = stack.enter_context(tempfile.TemporaryDirectory(prefix="sekisho-bench-"))
    os.chmod(work, 0o755)
    paths, record = messages_make(work)
    names = Names(stack, work, record)
    who, missing = who_is_here(stack, work, names)
    for line in missing:
        say("NOT MEASURED: " + line)
    say("client, filters and DNS share the %d processors" % os.cpu_count())
    say("the DNS answers %.0f questions a second, one after the other" % names.rate())
    say("a row of 300 octets is on the disk in %.0f us (write, fdatasync; one alone)" % disk_usec(work))
    for name, _, one in who:	# caches, threads, arenas
        load(one, "1", "8", EACH, paths[SIZES[0]])
    for kb in SIZES:
        bench_size(who, paths[kb], kb)
    bench_memory(who, paths[HELD_KB])
    for line in missing:
        note("NOT MEASURED: " + line)


def ended(*_):
    raise SystemExit(1)


def main():
    bench_begin()
    signal.signal(signal.SIGTERM, ended)	# what was started is stopped then, too
    if os.geteuid() != 0:
        say("root is needed: for port 53, and for what opendmarc takes for /etc/resolv.conf")
        return 1
    with contextlib.ExitStack() as stack:
        bench(stack)
    bench_end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
