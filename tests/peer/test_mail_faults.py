#!/usr/bin/env python3
"""
Real parts under load while others of them are stopped and killed: Postfix with
our milter, a resolver, the roles of `sekisho serve` and all of it, a full disk;
then two nodes on one PostgreSQL, which is stopped and killed, too. No mail is
lost, no row is lost, and none is there twice.

The order of faults comes from a seed. SEKISHO_FAULTS=SECONDS is the long form:
so long for each part, and faults at a time.
"""
import collections
import glob
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "cli"))
sys.path.insert(0, os.path.join(HERE, "..", "kill"))
sys.path.insert(0, os.path.join(HERE, "..", "lab"))
import house  # noqa: E402
import killkit  # noqa: E402
import mailload  # noqa: E402
import peers  # noqa: E402
import pgkit  # noqa: E402
import postfix  # noqa: E402
import reportskit  # noqa: E402
import rowskit  # noqa: E402
from patience import free_port, patient, wait_for  # noqa: E402
from tap import Tap  # noqa: E402

UNBOUND = "/usr/sbin/unbound"
SEED = int(os.environ.get("SEKISHO_FAULTS_SEED", "6"))
LONG = float(os.environ.get("SEKISHO_FAULTS", "0"))
POSTFIX_SEC = 3	# so long Postfix waits for a verdict
CALM = 6	# messages that are let in after a fault, before the next one
DISK = 24 << 20	# octets of a state directory that can become full

MAIL = """mail:
  milter:
    listen: unix:%(sock)s
    mode: "0660"
  authserv-id: gate.example
  own-networks: [198.51.100.1/32, 127.0.0.1/32]
  policy: enforce
  on-failure: %(failure)s
  on-temperror: tempfail
  resolver: 127.0.0.1:%(resolver)d
  reports: aggregate
  reporting:
    email: dmarc@gate.example
    form: 9990
    via: smtp://127.0.0.1:%(smtp)d
%(store)s  sign:
    - {domain: gate.example, selector: g1, key: %(world)s/keys/g1.gate.example.pem}
  arc-seal:
    domain: gate.example
    selector: g1
"""
# Reports go to mailboxes of this Postfix, too.
MORE = """milter_command_timeout = %ds
milter_content_timeout = %ds
enable_long_queue_ids = yes
inet_protocols = all
virtual_mailbox_domains = local.test strict.example quarantine.example watch.example testing.example
 sub.example psd.example list.example
""" % (POSTFIX_SEC, POSTFIX_SEC)


def start(argv, log, **kw):
    with open(log, "ab") as f:
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=f, stderr=f, start_new_session=True, **kw)


class Dns:
    """unbound with the world's DNS; answers are good for a second."""

    def __init__(self, world):
        self.port, self.proc = free_port(), None
        self.conf, self.log = os.path.join(world, "dns.conf"), os.path.join(world, "dns.log")
        with open(os.path.join(world, "unbound.conf"), encoding="utf-8") as f:
            lines = [ln.replace(" 3600 IN ", " 1 IN ") for ln in f]
        with open(self.conf, "w", encoding="utf-8") as f:
            f.writelines("\tinterface: 127.0.0.1@%d\n" % self.port if "interface:" in ln else ln for ln in lines)

    def start(self):
        self.proc = start([UNBOUND, "-d", "-c", self.conf], self.log)

    def kill(self):
        self.proc.kill()
        self.proc.wait()


class Node(house.House):
    """A host of its own by name: sekisho serve and a Postfix before it."""

    def __init__(self, folder, world, name, dns, store="", failure="tempfail"):
        os.makedirs(os.path.join(folder, "run"))
        os.chown(os.path.join(folder, "run"), 0, postfix.group())
        os.chmod(os.path.join(folder, "run"), 0o2750)
        self.name, sock = name, os.path.join(folder, "run", "milter")
        self.postfix = postfix.Postfix(folder, "unix:" + sock, more=MORE)
        self.mail = MAIL % {"sock": sock, "resolver": dns.port, "smtp": self.postfix.port, "world": world, "failure": failure,
                            "store": "    store: \"%s\"\n" % store if store else ""}
        super().__init__(folder)

    def write_conf(self, rtr="", top=""):
        with open(self.conf, "w") as f:
            f.write("state: state\nrpki:\n  tals: house.tal\nfetch:\n  mode: off\nrtr:\n  listen: 127.0.0.1:%d\n"
                    "web:\n  listen: 127.0.0.1:%d\nlog:\n  op: op.log\n" % tuple(self.ports) + self.mail)

    def start(self, *args, **kw):
        self.proc = subprocess.Popen(["unshare", "-u", "sh", "-c", "hostname \"$0\" && cd \"$1\" && shift && exec \"$@\" 2>> stderr",
                                      self.name, self.folder, house.SEKISHO, "serve", "-c", self.conf], stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def crashes(self):
        """Roles that ended by themselves, and what was said about it."""
        with open(os.path.join(self.folder, "stderr"), encoding="utf-8", errors="replace") as f:
            said = [ln for ln in f if "Sanitizer" in ln or "runtime error" in ln]
        return said + [ln for ln in self.log().splitlines() if re.search(r" ended \((?!signal 9\))", ln)]

    def pids(self):
        return {r["name"]: r["pid"] for r in self.status()["house"]["roles"]}

    def up(self):
        return wait_for(lambda: self.ready() and self.status()["details"]["milter"]["status"]["keys"], 20)

    def delivered(self):
        """How often each message is in the mailbox; those of ours without a signature."""
        got, unsigned = collections.Counter(), []
        for mail in self.postfix.mails():
            head = mail.split(b"\n\n", 1)[0] + b"\n"
            if b"\nX-Fault: " not in head:
                continue
            number = int(head.split(b"\nX-Fault: ")[1].split(b"\n")[0])
            got[number] += 1
            if b"\nFrom: Bob <bob@gate.example>" in head and b"\nDKIM-Signature:" not in b"\n" + head:
                unsigned.append(number)
        return got, unsigned


# --- faults: what is done, and what ends it ---

def signals(pids, sig):
    for pid in pids:
        try:
            os.kill(pid, sig)
        except ProcessLookupError:
            pass


def stop_pids(find):
    """SIGSTOP of what find() says, and SIGCONT."""
    def begin():
        pids = [p for p in find() if p > 1]
        signals(pids, signal.SIGSTOP)
        return lambda: signals(pids, signal.SIGCONT)
    return begin


def stop_long(node):
    """Its milter sleeps for longer than Postfix waits: what it says then is heard by nobody."""
    def begin():
        end = stop_pids(lambda: [node.pids()["milter"]])()
        time.sleep(POSTFIX_SEC + 0.5)
        return end
    return begin


def kill_role(node, name):
    def begin():
        node.kill_role(name)
        return lambda: None
    return begin


def keys_unknown(node):
    """Its milter begins while the one that says whose mail is signed is asleep."""
    def begin():
        end, pid = stop_pids(lambda: [node.pids()["seal"]])(), node.pids()["milter"]
        node.kill_role("milter")
        wait_for(lambda: node.pids()["milter"] not in (0, pid), 5, 0.02)
        time.sleep(2)	# it waits for a second
        return end
    return begin


def serve_kill(node):
    def begin():
        killkit.kill_parent(node, node.pids(), lambda: ())
        return lambda: None
    return begin


def serve_restart(node):
    def begin():
        node.stop()
        return node.start
    return begin


def dns_kill(dns):
    def begin():
        dns.kill()
        return dns.start
    return begin


def disk_full(node):
    """What is left of the state directory's disk is taken, and given back."""
    path = os.path.join(node.state, "filler")

    def begin():
        with open(path, "wb", buffering=0) as f:
            try:
                while f.write(bytes(1 << 16)):
                    pass
            except OSError:
                pass
        return lambda: os.unlink(path)
    return begin


def unkept(node):
    """How many rows the milter could not note since it lives."""
    return node.status()["details"]["milter"]["status"]["rows_lost"]


def disk_full_long(node, seen=None):
    """For so long that a row could not be noted."""
    def begin():
        before, end = unkept(node), disk_full(node)()
        found = wait_for(lambda: unkept(node) > before, 5 if seen is None else 20, 0.02)
        if seen is not None:
            seen.append(found)
        return end
    return begin


def segments_back(node):
    """Segments of rows are there again after they were taken in: a power cut lost what removed them."""
    folder, kept = os.path.join(node.state, "mail-rows"), os.path.join(node.state, "kept")

    def sealed():
        return {os.path.basename(p) for p in glob.glob(os.path.join(folder, "*.rows"))}

    def begin():
        let_go = stop_pids(lambda: [node.pids()["report"]])()
        node.kill_role("milter")	# the next one seals what this one wrote
        names = wait_for(sealed, 5, 0.02) or ()
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(folder, kept, ignore=lambda _, found: set(found) - set(names))

        def end():
            let_go()
            wait_for(lambda: not sealed() & set(names), 5, 0.02)
            for name in names:
                try:
                    os.link(os.path.join(kept, name), os.path.join(folder, name))
                except FileExistsError:
                    pass
        return end
    return begin


def faults_of(node):
    out = {"%s kill -9 %s" % (node.name, r): kill_role(node, r) for r in ("milter", "report", "seal", "store")}
    out.update({"%s SIGSTOP %s" % (node.name, r): stop_pids(lambda r=r: [node.pids()[r]]) for r in ("milter", "report", "seal")})
    out[node.name + " kill -9 milter, SIGSTOP seal"] = keys_unknown(node)
    out[node.name + " segments come back"] = segments_back(node)
    out[node.name + " kill -9 serve"] = serve_kill(node)
    out[node.name + " serve ended and begun"] = serve_restart(node)
    return out


def with_rows(nodes, rng, fault):
    """When role report has, or will soon have, a segment of each: it looks every two seconds."""
    def begin():
        for n in nodes:
            n.kill_role("milter")
        time.sleep(rng.uniform(0.2, 2.4))
        return fault()
    return begin


def pg_left(server, node):
    """Who speaks with the database is killed while that is asleep, so it may find a COMMIT when it wakes."""
    def begin():
        end = stop_pids(lambda: pg_backends(server))()
        node.kill_role("report")
        return end
    return begin


def pg_kill(server):
    def begin():
        server.kill()
        return server.start
    return begin


def pg_immediate(server):
    def begin():
        server.proc.send_signal(signal.SIGQUIT)
        server.proc.wait()
        return server.start
    return begin


def pg_backends(server):
    """Processes that speak for somebody."""
    out = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(server.proc.pid)], capture_output=True, text=True).stdout
    return [int(ln.split()[0]) for ln in out.splitlines() if "sekisho postgres" in ln]


def pg_backend_kill(server):
    def begin():
        signals(pg_backends(server)[:1], signal.SIGKILL)
        return lambda: None
    return begin


# --- a run ---

def storm(t, load, nodes, faults, rng):
    """All faults, in an order of chance; in the long form again and again, and some at a time."""
    end, left, pending, stuck = time.monotonic() + LONG, [], [], []
    n = collections.Counter()
    while True:
        if not left:
            if n and time.monotonic() >= end:
                break
            left = sorted(faults)
            rng.shuffle(left)
        name = left.pop()
        try:
            pending.append(faults[name]())
            n[name] += 1
        except Exception as e:	# who is not there cannot be stopped: another fault had him
            t.diag("%s: %r" % (name, e))
        if LONG and len(pending) < 3 and rng.random() < 0.4:
            time.sleep(rng.uniform(0, 0.5))
            continue
        time.sleep(rng.uniform(0.1, 0.5) if not LONG else rng.uniform(0.1, 3))
        while pending:
            pending.pop()()
        before = {node: load.final(node) for node in nodes}
        if not wait_for(lambda: all(load.final(node) >= before[node] + CALM for node in nodes), 15, 0.02):
            stuck.append("%s: %s" % (name, [load.final(node) - before[node] for node in nodes]))
    while pending:
        pending.pop()()
    t.none(stuck, "after each of %d faults mail goes on" % sum(n.values()))
    t.diag(", ".join("%s: %d" % x for x in sorted(n.items())))


def drained(node):
    """All rows of its journal are in the store."""
    return not rowskit.journal(node.state)


def quiet(t, load, nodes):
    """Every message has its end, and every row is where it stays."""
    t.ok(load.stop(), "each message that was begun is taken or refused", [m.number for m in load.messages if m.code is None])
    t.ok(wait_for(lambda: all(n.postfix.queued() == 0 for n in nodes), 20), "and is delivered", nodes[0].postfix.log()[-2000:])
    for n in nodes:
        n.stop()	# seals what is open
        n.start()
    t.ok(all(n.up() for n in nodes), "all are up again", "".join(n.log()[-1500:] for n in nodes))
    t.ok(wait_for(lambda: all(drained(n) for n in nodes), 20), "all rows are in the store", nodes[0].log()[-1500:])


def world_make(folder):
    world = os.path.join(folder, "world")
    code, _, err = house.run("lab", "mail", world)
    assert code == 0, err
    os.chmod(world, 0o755)
    return world


# --- reports of what was noted ---

DAYS = 2	# so long ago it is made to be: each domain's moment has gone by
SHIFT = "UPDATE mail_row SET day = day - {0}, at = at - {0} * 86400{1}; DELETE FROM mail_number WHERE name = 'made'"


def in_box(nodes):
    return [reportskit.Mail(m) for n in nodes for m in n.postfix.mails() if reportskit.is_report(m)]


def sent(t, nodes, rows, world, store, form, again):
    """
    Time goes by, and reports are sent through Postfix, while who sends them is killed.
    again: the reports were made before, and are made anew.
    """
    for n in nodes:
        n.stop()
        n.mail = re.sub(r"form: \d+", "form: " + form, n.mail)
        n.write_conf()
        n.postfix.empty()
    store.do(SHIFT.format(0 if again else DAYS, ", report = CASE WHEN report > 0 THEN 0 ELSE report END"))
    for n in nodes:
        n.start()
    domains = reportskit.wanting(world)
    want = reportskit.rows_of(rows, form, domains)
    wait_for(lambda: in_box(nodes), 20, 0.02)
    for n in nodes:
        n.kill_role("report")

    def complete():
        return {m.domain for m in in_box(nodes)} == {k[0] for k in want} and not any(n.postfix.queued() for n in nodes)
    t.ok(wait_for(complete, 30), "reports for %d domains are in their mailboxes" % len({k[0] for k in want}),
         "".join(n.log()[-1500:] for n in nodes) + nodes[0].postfix.log()[-1500:])
    mails = {m.report_id: m for m in in_box(nodes)}
    t.diag("%d mails, %d reports" % (len(in_box(nodes)), len(mails)))
    t.none(["%s: %r" % (m.report_id, m.id) for m in in_box(nodes) if m.xml != mails[m.report_id].xml or m.id != mails[m.report_id].id],
           "one that came twice is the same, octet by octet")
    got = reportskit.total(mails.values())
    t.none(["%r: %d, not %d" % (k, got[k], want[k]) for k in set(got) | set(want) if got[k] != want[k]],
           "RFC %s: %d messages in the reports, as many as rows" % (form, sum(want.values())))
    t.ok(all(m.signed for m in mails.values()), "all are signed, as our own mail is")
    return list(mails.values())


def reported(t, nodes, rows, world, store):
    with tempfile.TemporaryDirectory() as d:
        reportskit.schema(t, d, sent(t, nodes, rows, world, store, "9990", False), "9990")
    with tempfile.TemporaryDirectory() as d:
        mails = sent(t, nodes, rows, world, store, "7489", True)
        reportskit.schema(t, d, mails, "7489")
        reportskit.mail_dmarc(t, d, mails)


def begin(t, nodes, dns, seed):
    """A load on them, or None where they do not begin."""
    dns.start()
    for n in nodes:
        n.start()
        n.postfix.start()
    if not t.ok(all(n.up() for n in nodes), "%d nodes" % len(nodes), "".join(n.log()[-1500:] for n in nodes)):
        return None
    load = mailload.Load(os.path.dirname(dns.conf), nodes, seed)
    load.start()
    return load


def finish(nodes, dns):
    for n in nodes:
        n.stop()
        n.postfix.stop()
    dns.kill()


def run(t, nodes, dns, faults, seed, store):
    try:
        load = begin(t, nodes, dns, seed)
        if load is None:
            return
        storm(t, load, nodes, faults, random.Random(seed))
        quiet(t, load, nodes)
        rows = rowskit.stored(store)
        load.account(t, rows)
        t.none(rowskit.sums(store, rows), "what is known of domains, and the counts over time, are the rows' sums")
        reported(t, nodes, rows, os.path.dirname(dns.conf), store)
        t.none([ln for n in nodes for ln in n.crashes()], "nobody ended but who was killed")
    finally:
        finish(nodes, dns)


def disk_small(node):
    """Its state directory on a disk that can become full; False: that may not be made here."""
    os.mkdir(node.state)
    return subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%d,mode=755" % DISK, "tmpfs", node.state],
                          capture_output=True).returncode == 0


def let_in(t, folder):
    """mail.on-failure: accept. What cannot be noted is let in all the same, and counted."""
    world = world_make(folder)
    dns = Dns(world)
    node = Node(os.path.join(folder, "one"), world, "mx1.gate.example", dns, failure="accept")
    if not disk_small(node):
        t.skip("a full disk, and mail is let in", "no tmpfs may be mounted here")
        return
    store, lost = rowskit.Sqlite(os.path.join(node.state, "mail-reports", "reports.sqlite")), []
    try:
        load = begin(t, [node], dns, SEED)
        if load is None:
            return
        storm(t, load, [node], {"disk full %d" % i: disk_full_long(node, lost) for i in range(3)}, random.Random(SEED))
        t.ok(load.stop() and all(lost), "each time rows were lost, and said to be", lost)
        n_lost = unkept(node)
        quiet(t, load, [node])
        t.equal(load.deferred, 0, "nobody had to come again")
        load.account(t, rowskit.stored(store), n_lost)
    finally:
        finish([node], dns)
        subprocess.run(["umount", "-l", node.state])


def sqlite(t, folder):
    """One node; its store is a file."""
    world = world_make(folder)
    dns = Dns(world)
    node = Node(os.path.join(folder, "one"), world, "mx1.gate.example", dns)
    faults = faults_of(node)
    faults["milter asleep for long"] = stop_long(node)
    faults["SIGSTOP dns"] = stop_pids(lambda: [dns.proc.pid])
    faults["kill -9 dns"] = dns_kill(dns)
    small = disk_small(node)
    if small:
        faults["disk full"] = disk_full_long(node)
    else:
        t.skip("a full disk", "no tmpfs may be mounted here")
    try:
        run(t, [node], dns, faults, SEED, rowskit.Sqlite(os.path.join(node.state, "mail-reports", "reports.sqlite")))
    finally:
        if small:
            subprocess.run(["umount", "-l", node.state])


def postgresql(t, folder):
    """Two nodes, one database."""
    if pgkit.programs() is None or peers.missing("psql"):
        t.skip("two nodes on PostgreSQL", "no PostgreSQL")
        return
    world, server = world_make(folder), pgkit.Server()
    try:
        server.start()
        server.sql("CREATE SCHEMA mail")
        dns, faults = Dns(world), {}
        nodes = [Node(os.path.join(folder, "node%d" % i), world, "mx%d.gate.example" % i, dns, server.url("mail")) for i in (1, 2)]
        for n in nodes:
            faults.update({k: f for k, f in faults_of(n).items() if LONG or not re.search("seal|ended|kill -9 store", k)})
        rng = random.Random(SEED)
        for name, fault in (("kill -9 postgresql", pg_kill(server)), ("SIGSTOP backends", stop_pids(lambda: pg_backends(server))),
                            ("SIGSTOP postgresql", stop_pids(lambda: [server.proc.pid] + pg_backends(server))),
                            ("kill -9 a backend", pg_backend_kill(server)), ("postgresql stopped at once", pg_immediate(server)),
                            ("kill -9 report, SIGSTOP backends", pg_left(server, nodes[0]))):
            faults[name] = with_rows(nodes, rng, fault)
        run(t, nodes, dns, faults, SEED + 1, rowskit.Postgresql(server, "mail"))
    finally:
        server.done()


PARTS = {"sqlite": sqlite, "postgresql": postgresql, "let-in": let_in}


def main():
    t = Tap()
    why = postfix.missing() or (None if os.path.exists(UNBOUND) else "no unbound")
    if why:
        t.skip("faults with real parts", why)
        return t.done()
    for name in sys.argv[1:] or sorted(PARTS, reverse=True):
        begin = time.monotonic()
        with house.folder() as d:
            t.case(PARTS[name], t, d)
            house.stop_all()
        t.diag("%s: %.0f s" % (name, time.monotonic() - begin))
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
