#!/usr/bin/env python3
"""
Role rsync against rsync daemons on loopback, its parent played by role_kit:
what comes into the store, what never does, and what a bad server costs.
"""
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import role_kit  # noqa: E402
from house import Tap, free_port, patient, wait_for  # noqa: E402

t = Tap()
RSYNC = shutil.which("rsync")
MODULE = "rsync://rpki.example.net/repo/"
BAD_SEC = 8	# what a server may take; the good one has to come in less


class Daemon:
    def __init__(self, folder):
        self.port = free_port()
        self.root = os.path.join(folder, "published")
        os.makedirs(self.root)
        conf = os.path.join(folder, "rsyncd.conf")
        with open(conf, "w") as f:
            f.write(f"use chroot = no\nport = {self.port}\naddress = 127.0.0.1\n"
                    f"log file = {folder}/log\n[repo]\npath = {self.root}\n")
        self.p = subprocess.Popen([RSYNC, "--daemon", "--no-detach", "--config", conf],
                                  stdin=subprocess.DEVNULL)
        wait_for(lambda: socket.create_connection(("127.0.0.1", self.port), 5).close() or True, 5)

    def put(self, name, body):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(body)

    def close(self):
        self.p.terminate()
        self.p.wait()


class Sulk:
    """Accepts, and does what it is told with the connection."""

    def __init__(self, do):
        self.s = socket.create_server(("127.0.0.1", 0))
        self.port, self.kept = self.s.getsockname()[1], []
        threading.Thread(target=self.serve, args=(do,), daemon=True).start()

    def serve(self, do):
        try:
            while True:
                c, _ = self.s.accept()
                self.kept.append(c)
                threading.Thread(target=self.one, args=(do, c), daemon=True).start()
        except OSError:
            pass

    def one(self, do, c):
        try:
            do(c)
        except OSError:
            pass

    def close(self):
        self.s.close()


class World:
    def __init__(self, folder, daemon=None, hosts=(), no_sandbox=False, **conf):
        self.scratch = os.path.join(folder, "state", "rsync")
        os.makedirs(os.path.dirname(self.scratch), exist_ok=True)
        lines = list(hosts)
        if daemon:
            lines.append(f"rpki.example.net:873=127.0.0.1:{daemon.port}")
        values = dict(program=RSYNC, scratch=self.scratch, hosts="\n".join(lines), timeout=120, max_mb=64)
        values.update(conf)
        self.role = role_kit.Role("rsync", values, no_sandbox)
        self.store = role_kit.Store(self.role)
        self.n = 0
        assert self.role.ready(), self.role.log

    def ask(self, uri=MODULE, key=None, seconds=30, spki=b""):
        self.n += 1
        self.role.send("rsync_ask", "fetch", req=self.n, module=uri, key=key or uri, spki=spki)
        got = self.role.until(lambda: [v for m, _, v in self.role.seen
                                       if m == "rsync_answer" and v["req"] == self.n], seconds)
        return got[0] if got else {}

    def names(self, key=MODULE):
        return self.store.source(key)["names"]

    def pids(self):
        """Processes of rsync that work in the role's folder."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{pid}/cwd").startswith(self.scratch):
                    found.append(pid)
            except OSError:
                pass
        return found

    def programs(self):
        return len(self.pids())

    def close(self):
        return self.role.close()


def status(pid):
    with open(f"/proc/{pid}/status") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def fill(d):
    """What a module may hold: objects, and what is none."""
    want = {}
    for name in ("a.cer", "ca/b.roa", "ca/c.mft", "ca/deep/er/d.crl", "e.asa", "f.gbr", "g.tak"):
        body = os.urandom(900)
        d.put(name, body)
        want[MODULE + name] = body
    d.put("README", b"no object")
    d.put("ca/script.sh", b"no object")
    d.put(".hidden.roa", b"no name")
    d.put("large.roa", b"\0" * (9 << 20))
    os.symlink("/etc/passwd", os.path.join(d.root, "link.roa"))
    os.symlink("/etc", os.path.join(d.root, "folder"))
    os.mkfifo(os.path.join(d.root, "pipe.roa"))
    return want


def case_module(folder):
    d = Daemon(folder)
    want = fill(d)
    w = World(folder, d)
    got = w.ask()
    t.equal((got.get("ok"), got.get("changed"), got.get("detail")), (1, len(want), ""), "a module arrives")
    t.equal(w.names(), want, "… its objects under its URI, and no link, pipe, hidden or huge file")
    t.equal(w.programs(), 0, "… and the program is gone")
    got = w.ask()
    t.equal((got["ok"], got["changed"]), (1, 0), "again: nothing has changed")
    os.remove(os.path.join(d.root, "ca/b.roa"))
    want.pop(MODULE + "ca/b.roa")
    d.put("a.cer", b"new")
    want[MODULE + "a.cer"] = b"new"
    got = w.ask()
    t.equal((got["ok"], got["changed"], w.names() == want), (1, 2, True), "one gone, one new")
    for i in range(2):
        want[MODULE + "ca/c.mft"] = b"manifest %d" % i
        d.put("ca/c.mft", want[MODULE + "ca/c.mft"])
        os.utime(os.path.join(d.root, "ca/c.mft"), ns=(10 ** 18 + i * 10 ** 8,) * 2)
        got = w.ask()
    t.equal((got["ok"], w.names()), (1, want), "of the same size, and in the same second: it arrives")
    got = w.ask(MODULE + "a.cer", key="ta:x")
    t.equal((got["ok"], w.names("ta:x")), (1, {MODULE + "a.cer": b"new"}), "one file, for a trust anchor")
    d.put("a.cer", b"newer, by another key")
    got = w.ask(MODULE + "a.cer", key="ta:x", spki=b"the key")
    t.equal((got["ok"], got["code"], w.names("ta:x")), (0, "FETCH_TA_KEY", {MODULE + "a.cer": b"new"}),
            "… that has not the TAL's key: refused, the last one stays")
    want[MODULE + "a.cer"] = b"newest, by the key"
    d.put("a.cer", want[MODULE + "a.cer"])
    got = w.ask(MODULE + "a.cer", key="ta:x", spki=b"the key")
    t.equal((got["ok"], w.names("ta:x")), (1, {MODULE + "a.cer": want[MODULE + "a.cer"]}), "… that has it")
    got = w.ask("rsync://rpki.example.net/nothing/")
    t.equal((got["ok"], got["code"]), (0, "FETCH_RSYNC"), "a module that is not there")
    t.ok("Unknown module" in got["detail"], "… and what the program said", got["detail"])
    st = w.role.status()
    t.equal((st["running"], st["program"], st["trees"]), (0, True, 2), "its status", )
    t.equal(w.close(), 0, "it ends well")
    t.ok(not os.path.exists(os.path.join(w.scratch, "nothing")), "no folder has a stranger's name")
    w = World(folder, d)
    t.equal(os.listdir(w.scratch), [], "a new life begins with an empty folder")
    w.close()
    d.close()


def case_addresses(folder):
    d = Daemon(folder)
    d.put("a.cer", b"x")
    w = World(folder, d)
    got = w.ask(f"rsync://127.0.0.1:{d.port}/repo/")
    t.equal((got["code"], got["detail"]), ("FETCH_RSYNC_ADDRESS", "127.0.0.1"), "loopback is refused")
    got = w.ask("rsync://[::1]/repo/")
    t.equal((got["code"], got["detail"]), ("FETCH_RSYNC_ADDRESS", "[::1]"), "… of IPv6, too")
    got = w.ask("rsync://localhost/repo/")
    t.equal(got["code"], "FETCH_RSYNC_ADDRESS", "… and a name that leads there")
    got = w.ask("rsync://10.1.2.3/repo/")
    t.equal(got["code"], "FETCH_RSYNC_ADDRESS", "… and private networks")
    for uri in ("rsync://rpki.example.net/re*/", "rsync://rpki.example.net/../", "--help",
                "rsync://u@rpki.example.net/repo/", "rsync://rpki.example.net/repo/a b/", "/etc/",
                "rsync://rpki.example.net/repo/$(id)/;x"):
        got = w.ask(uri)
        if "$" in uri:		# a plain name to us: no shell sees it
            t.equal(got["ok"], 0, "a name that a shell would run")
        else:
            t.equal((got["ok"], got["code"]), (0, "FETCH_RSYNC"), "not to be used: " + uri)
    t.equal(w.ask()["ok"], 1, "the mapping leads to the lab")
    w.close()
    d.close()


def case_bad(folder):
    def say_nothing(c):
        time.sleep(2000)

    def garbage(c):
        c.sendall(os.urandom(5000))
        time.sleep(2000)

    def endless(c):
        while True:
            c.sendall(b"@RSYNCD: 31.0 sha1\n" * 100)

    def reset(c):
        c.close()

    sulks = {n: Sulk(f) for n, f in dict(stall=say_nothing, garbage=garbage, endless=endless,
                                         reset=reset).items()}
    d = Daemon(folder)
    d.put("a.cer", b"x")
    dead = free_port()
    hosts = [f"{n}.example.net:873=127.0.0.1:{s.port}" for n, s in sulks.items()]
    w = World(folder, d, hosts + [f"dead.example.net:873=127.0.0.1:{dead}"], timeout=BAD_SEC)
    keys = [f"rsync://{n}.example.net/repo/" for n in list(sulks) + ["dead"]]
    for i, key in enumerate(keys):
        w.role.send("rsync_ask", "fetch", req=100 + i, module=key, key=key)
    began = time.monotonic()
    t.equal(w.ask()["ok"], 1, "the good one is served among them")
    ended = {v["req"] for m, _, v in w.role.seen if m == "rsync_answer"}
    t.ok(not ended & {100, 102}, "… before the slow ones have come to their end", ended)

    def answers():
        got = {v["req"]: v for m, _, v in w.role.seen if m == "rsync_answer" and v["req"] >= 100}
        return got if len(got) == len(keys) else None
    got = w.role.until(answers) or {}
    t.equal(sorted(v["ok"] for v in got.values()), [0] * len(keys), "all others fail")
    t.ok(time.monotonic() - began < 2 * BAD_SEC + patient(8), "… in their time")
    t.equal(got[100]["code"], "FETCH_RSYNC_TIME", "silence: FETCH_RSYNC_TIME")
    t.ok(all(v["code"] in ("FETCH_RSYNC", "FETCH_RSYNC_TIME") for v in got.values()), "each says why", got)
    t.ok(all(v["detail"].isprintable() and v["detail"].isascii() for v in got.values()),
         "… in printable letters", got)
    t.ok(wait_for(lambda: w.programs() == 0, 3), "no program is left")
    for i in range(4):
        w.role.send("rsync_ask", "fetch", req=200 + i, module=f"rsync://stall.example.net/{i}/", key=f"k{i}")
    t.ok(w.role.until(lambda: w.programs() >= 4, 3), "four programs wait for a silent server")
    inner = {status(p)["Seccomp_filters"] for p in w.pids()}
    t.equal(inner, {"2"}, "… each in a sandbox of its own, within the box's")
    w.role.p.kill()
    t.ok(wait_for(lambda: w.programs() == 0, 3), "… and end with the role")
    w.close()
    for s in sulks.values():
        s.close()
    d.close()


def case_size(folder):
    d = Daemon(folder)
    for i in range(40):
        d.put(f"{i}.roa", os.urandom(100000))
    w = World(folder, d, max_mb=1)
    got = w.ask()
    t.equal((got["ok"], got["code"]), (0, "FETCH_RSYNC_SIZE"), "more than it may have")
    t.equal(w.names(), {}, "… nothing of it is kept")
    t.ok(wait_for(lambda: sum(len(f) for _, _, f in os.walk(w.scratch)) == 0, 3), "… nor on the disk")
    shutil.rmtree(d.root)
    d.put("d/" * 60 + "deep.roa", b"x")
    got = w.ask()
    t.equal((got["ok"], got["code"]), (0, "FETCH_RSYNC_SIZE"), "deeper than anybody publishes")
    t.ok(wait_for(lambda: os.listdir(w.scratch) == [], 3), "… and gone from the disk", os.listdir(w.scratch))
    w.close()
    d.close()


def case_box(folder):
    d = Daemon(folder)
    d.put("a.cer", b"x")
    w = World(folder, d)

    def children(pid):
        return [p for p in filter(str.isdigit, os.listdir("/proc"))
                if os.path.exists(f"/proc/{p}/status") and status(p).get("PPid") == str(pid)]
    role, box = w.role.p.pid, children(w.role.p.pid)
    t.equal([status(p)["Seccomp"] for p in [role] + box], ["2", "2"], "the role and its box are closed")
    t.ok(status(box[0])["Seccomp_filters"] == "1", "… each by itself")
    os.kill(int(box[0]), 9)
    try:
        w.role.until(lambda: False)
        t.ok(False, "without its box the role ends")
    except EOFError:
        t.equal(w.role.p.wait(patient(5)), 1, "without its box the role ends, and is started anew")
    w.close()
    w = World(folder, d)
    box = children(w.role.p.pid)
    os.kill(w.role.p.pid, 9)
    t.ok(wait_for(lambda: not os.path.exists(f"/proc/{box[0]}") or
                  status(box[0])["State"].startswith("Z"), 5), "the box ends with its role")
    w.close()
    # A script is no program: the interpreter is not what may be executed.
    script = os.path.join(folder, "rsync")
    mark = os.path.join(folder, "ran")
    with open(script, "w") as f:
        f.write(f"#!/bin/sh\n: > {mark}\n")
    os.chmod(script, 0o755)
    w = World(folder, d, program=script)
    got = w.ask()
    t.ok(got["ok"] == 0 and not os.path.exists(mark), "nothing but the program can be executed", got)
    w.close()
    w = World(folder, d, no_sandbox=True, program=script)
    w.ask()
    t.ok(os.path.exists(mark), "… which works without the sandbox")
    w.close()
    w = World(folder, d, program="/nonexistent/rsync")
    got = w.ask()
    t.equal((got["ok"], w.role.status()["program"]), (0, False), "without the program: it says so")
    t.equal(got["code"], "FETCH_RSYNC_HERE", "… and does not blame the server")
    w.close()
    d.close()


def main():
    if RSYNC is None:
        t.skip("role rsync", "no rsync program")
        return t.done()
    for case in (case_module, case_addresses, case_bad, case_size, case_box):
        with tempfile.TemporaryDirectory(prefix="sekisho-rsync-") as folder:
            t.case(case, folder)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
