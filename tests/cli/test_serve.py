#!/usr/bin/env python3
"""sekisho serve, status, reload: starting, changing, failing, stopping."""
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import house
from house import KYOTO_GONE, VRPS, House, wait_for


def up(t, h, what="everything is up"):
    ok = wait_for(lambda: h.ready() and h.vrps() == VRPS)
    return t.ok(ok, what, h.log()[-3000:])


def runs(h):
    return h.status()["details"]["validate"]["status"]["runs"]


def test_life(t, d):
    house.lab(d)
    h = House(d)
    h.start()
    up(t, h)
    s = h.status()
    t.equal(s["house"]["sandbox"], True, "the sandboxes are closed")
    t.equal(s["details"]["store"]["status"]["vrps"], 3, "the store tells how many")
    for r in s["house"]["roles"]:
        with open("/proc/%d/status" % r["pid"]) as f:
            text = f.read()
        t.ok("NoNewPrivs:\t1" in text and "Seccomp:\t2" in text, r["name"] + ": confined", text)
        fds = os.listdir("/proc/%d/fd" % r["pid"])
        with open("/proc/%d/environ" % r["pid"]) as f:
            t.equal(f.read(), "", r["name"] + ": no environment")
        t.ok(len(fds) < 40, r["name"] + ": few descriptors", fds)
    code, out, _ = house.run("status", "--nagios", "-c", h.conf)
    t.ok(code == 0 and out.startswith("SEKISHO OK") and out.count("\n") == 1 and "|" in out,
         "status for monitoring", out)
    code, out, _ = house.run("status", "-c", h.conf)
    t.ok(code == 0 and "store" in out and "3 VRPs" in out and "{" not in out, "status for people", out)
    ja = house.run("status", "--lang", "ja", "-c", h.conf)[1]
    t.ok("VRP 3" in ja and ja.count("\n") == out.count("\n"), "… in Japanese", ja)
    more = house.run("status", "-v", "-c", h.conf)[1]
    t.ok("earliest_expiry" in more and "earliest_expiry" not in out, "-v tells all that the roles say", more)
    code, _, err = house.run("serve", "-c", h.conf)
    t.ok(code == 3 and err.count("\n") == 1 and str(h.proc.pid) in err,
         "a second one is refused and names the first", err)
    t.ok(h.ready(), "and the first one does not mind")

    # The input changes: seen without being told.
    house.lab(d, "overclaim-ipv4@kyoto")
    t.ok(wait_for(lambda: h.vrps() == KYOTO_GONE, 30), "a changed input is seen")
    t.ok(wait_for(lambda: os.path.getsize(os.path.join(h.state, "objects.jsonl")) > 0),
         "findings are in the object log")
    with open(os.path.join(h.state, "objects.jsonl")) as f:
        lines = [json.loads(line) for line in f]
    t.ok("RPKI_CERT_OVERCLAIM" in {x["code"] for x in lines} and all(x["time"] for x in lines),
         "as JSON lines", lines)
    def rests():		# a tree that was changing is looked at again
        n = runs(h)
        return house.stays(lambda: runs(h) == n, 2, 0.5)
    wait_for(rests)
    before = runs(h)
    house.run("reload", "-q", "-c", h.conf)
    t.ok(wait_for(lambda: runs(h) > before), "reload validates, though nothing has changed and no run is due")
    time.sleep(0.5)
    with open(os.path.join(h.state, "objects.jsonl")) as f:
        t.equal(len(f.readlines()), len(lines), "each once, though the next run finds them, too")
    house.lab(d)
    t.equal(house.run("reload", "-q", "-c", h.conf)[0], 0, "reload")
    t.ok(wait_for(lambda: h.vrps() == VRPS, 4), "validates what is new")
    published = [a for a in h.audit() if a["event"] == "snapshot-published"]
    t.ok(len(published) >= 3 and published[0]["details"]["serial"] == 1, "publications are audited",
         published)
    code, err = h.stop()
    t.ok(code == 0 and err == "", "a clean stop", err)
    t.ok(not os.path.exists(os.path.join(h.state, "control")), "the control socket is gone")
    code, _, err = house.run("status", "-c", h.conf)
    t.ok(code == 3 and err.count("\n") == 1, "status of nobody", err)
    code, out, _ = house.run("status", "--nagios", "-c", h.conf)
    t.equal(code, 3, "unknown, says monitoring")

    # The same data at once after a restart, even if there is nothing to validate.
    session, serial, _ = first = house_session(h)
    shutil.rmtree(os.path.join(d, "tree"))
    h.start()
    t.ok(wait_for(lambda: h.vrps() == VRPS), "the stored data is served without any input")
    t.equal(house.rtr_vrps(h.ports[0])[:2], (session, serial), "session and serial survived")
    t.ok(wait_for(lambda: "tree" in h.log().split("starts in")[-1]), "the absent folder is named once")
    house.lab(d, "overclaim-ipv4@kyoto")
    t.ok(wait_for(lambda: h.vrps() == KYOTO_GONE, 30), "a folder that appears is used")
    h.stop()
    return first


def house_session(h):
    h.start()
    got = wait_for(lambda: house.rtr_vrps(h.ports[0]))
    h.stop()
    return got


def test_reload(t, d):
    house.lab(d)
    h = House(d)
    h.start()
    up(t, h, "up before reload")
    rtr = h.role("rtr")["pid"]
    h.write_conf(rtr="  refresh: 77\n")
    t.equal(house.run("reload", "-c", h.conf)[0], 0, "new timers")
    t.equal(h.role("rtr")["pid"], rtr, "are taken without a restart")
    with socket.create_connection(("127.0.0.1", h.ports[0]), timeout=5) as s:
        s.sendall(b"\x01\x02\0\0\0\0\0\x08")
        data = b""
        while len(data) < 8 or data[-24:-22] != b"\x01\x07":
            data += s.recv(65536)
        t.equal(int.from_bytes(data[-12:-8], "big"), 77, "routers hear of them")

    good = open(h.conf).read()
    for name, text in [("unknown key", good + "nonsense: 1\n"), ("not YAML", "a: [\n"),
                       ("another state", good.replace("state: state", "state: other")),
                       ("an address in use", good.replace(str(h.ports[1]), str(h.ports[0]), 1)),
                       ("unwritable log", good.replace("op: op.log", "op: /nonexistent/op.log"))]:
        with open(h.conf, "w") as f:
            f.write(text)
        code, _, err = house.run("reload", "-c", h.conf, "--state", h.state)
        t.ok(code == 1 and err.count("\n") == 1, "refused: " + name, (code, err))
        t.ok(h.vrps() == VRPS and h.role_quiet("rtr") == rtr, "and nothing happened", h.log()[-500:])
    with open(h.conf, "w") as f:
        f.write(good)
    by = [a["details"]["by"] for a in h.audit() if a["event"] == "reload-refused"]
    t.ok(by and all(re.fullmatch(r"\S+ \(uid %d, pid [1-9][0-9]*\)" % os.getuid(), b) or b == "SIGHUP" for b in by),
         "refusals are audited, with who asked", str(by))

    old = h.ports[0]
    h.ports[0] = house.free_port()
    h.write_conf()
    h.proc.send_signal(signal.SIGHUP)
    t.ok(wait_for(lambda: h.vrps() == VRPS), "SIGHUP: another address")
    try:
        socket.create_connection(("127.0.0.1", old), timeout=2).close()
        t.ok(False, "the old address is closed")
    except OSError:
        t.ok(True, "the old address is closed")
    os.rename(os.path.join(d, "op.log"), os.path.join(d, "op.log.1"))
    house.run("reload", "-c", h.conf)
    t.ok(os.path.exists(os.path.join(d, "op.log")), "logs are opened anew: rotation works")
    t.equal(h.stop()[0], 0, "a clean stop after all that")


def forbidden(t, h, d, good):
    """A state directory of somebody else."""
    if os.geteuid() != 0:
        t.skip("a state directory of somebody else", "needs root, who becomes another")
        return
    state = os.path.join(d, "others")
    os.makedirs(state, mode=0o700)
    os.chmod(d, 0o755)
    with open(h.conf, "w") as f:
        f.write(good.replace("state: state", "state: " + state))
    os.chmod(h.conf, 0o644)
    try:
        p = subprocess.run([house.SEKISHO, "serve", "-c", h.conf], user=65534, group=65534, extra_groups=[],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                           timeout=house.patient(20))
    except PermissionError:
        t.skip("a state directory of somebody else", "others may not run the program where it was built")
        return
    t.ok(p.returncode == 3 and p.stderr.count("\n") == 1 and "chown -R USER " + state in p.stderr,
         "a state directory of somebody else: what to do", (p.returncode, p.stderr))


def test_refuses(t, d):
    """One line that says what and where; status 3."""
    house.lab(d)
    h = House(d)
    good = open(h.conf).read()
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen(1)
    os.makedirs(os.path.join(d, "schema-dir"))
    with open(os.path.join(d, "schema-dir", "schema"), "w") as f:
        f.write("sekisho-state 99\n")
    with open(os.path.join(d, "file"), "w") as f:
        f.write("x")
    for name, text, what in [
            ("malformed YAML", "rtr:\n\trefresh: 1\n", ":2:1"),
            ("unknown key", "stat: x\n", ":1:1"),
            ("address in use", good.replace(str(h.ports[0]), str(taken.getsockname()[1])),
             str(taken.getsockname()[1])),
            ("another schema", good.replace("state: state", "state: schema-dir"), "schema"),
            ("a file as state", good.replace("state: state", "state: file"), "file"),
            ("no such user", "user: no-such-user-here\n" + good if os.geteuid() == 0 else "user: [\n", "user"),
            ("unwritable log", good.replace("op: op.log", "op: /nonexistent/op.log"), "/nonexistent/op.log"),
            ("absent token", good.replace("web:\n", "web:\n  token-file: absent\n"), "absent")]:
        with open(h.conf, "w") as f:
            f.write(text)
        code, out, err = house.run("serve", "-c", h.conf)
        t.ok(code == 3 and out == "" and err.count("\n") == 1 and what in err, name, (code, err))
        if name == "address in use":
            t.ok("ss -ltnp" in err, "... and what to do", err)
            ja = house.run("serve", "-c", h.conf, "--lang", "ja")[2]
            t.ok("ss -ltnp" in ja and ja != err, "... in Japanese", ja)
    taken.close()
    forbidden(t, h, d, good)
    code, _, err = house.run("serve", "-c", os.path.join(d, "absent.conf"))
    t.ok(code == 3 and err.count("\n") == 1 and "absent.conf" in err, "absent configuration", err)
    t.equal(house.run("serve", "word")[0], 2, "a word too many")
    t.equal(house.run("serve", "--nonsense")[0], 2, "an unknown option")


def test_bad_inputs(t, d):
    """Inputs that cannot be read: a line in the log, the last good data stays."""
    house.lab(d)
    h = House(d)
    h.start()
    up(t, h, "up before the inputs break")
    tal = os.path.join(d, "house.tal")
    os.rename(tal, tal + ".away")
    house.run("reload", "-c", h.conf)
    t.ok(wait_for(lambda: "house.tal" in h.log()), "an absent TAL is named", h.log())
    t.equal(h.vrps(), VRPS, "the data stays")
    with open(tal, "w") as f:
        f.write("not a TAL\n")
    house.run("reload", "-c", h.conf)
    t.ok(wait_for(lambda: h.log().count("house.tal") > 1), "a malformed TAL is named", h.log())
    time.sleep(1)
    t.equal(h.vrps(), VRPS, "the data stays")
    os.rename(tal + ".away", tal)
    house.run("reload", "-c", h.conf)
    t.ok(wait_for(h.ready), "and it recovers")
    os.rename(os.path.join(d, "tree"), os.path.join(d, "gone"))
    house.run("reload", "-c", h.conf)
    time.sleep(1)
    t.equal(h.vrps(), VRPS, "without the tree the data stays")
    os.rename(os.path.join(d, "gone"), os.path.join(d, "tree"))
    h.stop()


def test_no_sandbox(t, d):
    house.lab(d)
    h = House(d)
    h.start("--no-sandbox")
    up(t, h, "works without sandboxes")
    t.equal(h.status()["house"]["sandbox"], False, "status tells")
    t.ok([a for a in h.audit() if a["event"] == "sandbox-off"], "the audit log tells")
    with open("/proc/%d/status" % h.role("rtr")["pid"]) as f:
        t.ok("Seccomp:\t0" in f.read(), "it is really off (so the other test looked at the right thing)")
    h.stop()


def test_clock(t, d):
    """The world's objects live a day: two days on, nothing of it may be served."""
    house.lab(d)
    h = House(d)
    h.start()
    up(t, h, "up today")
    h.stop()
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 10 * 86400))
    h.start("--at", later)

    def nothing():
        try:
            return h.vrps() == set()
        except ValueError as e:         # an Error Report: No Data Available
            return str(e) == "error report 2"

    t.ok(wait_for(nothing), "ten days on, the stored data is not served", h.log()[-2000:])
    h.stop()


def test_user(t, d):
    if os.geteuid() != 0:
        t.skip("privileges are dropped", "not root")
        return
    house.lab(d)
    h = House(d)
    h.write_conf(top="user: nobody\n")
    h.more = ""
    h.start()
    up(t, h, "works as nobody")
    uid = pwd.getpwnam("nobody").pw_uid
    for pid in [h.proc.pid] + [r["pid"] for r in h.status()["house"]["roles"]]:
        with open("/proc/%d/status" % pid) as f:
            lines = dict(x.split(":\t", 1) for x in f.read().splitlines() if ":\t" in x)
        t.ok(lines["Uid"].split() == [str(uid)] * 4 and lines["Groups"].strip() == "" and
             int(lines["CapEff"], 16) == 0, "%s is nobody" % lines["Name"], lines)
    h.stop()


def test_full_disk(t, d):
    """A state directory on a small file system that fills up."""
    state = os.path.join(d, "state")
    os.makedirs(state)
    if os.geteuid() != 0 or os.system("mount -t tmpfs -o size=256k tmpfs %s 2>/dev/null" % state) != 0:
        t.skip("a full disk", "cannot mount a small tmpfs here")
        return
    try:
        house.lab(d)
        h = House(d)
        h.start()
        up(t, h, "up before the disk is full")
        with open(os.path.join(state, "ballast"), "wb", buffering=0) as f:
            try:
                while f.write(b"x" * 1024):
                    pass
            except OSError:
                pass
        house.lab(d, "overclaim-ipv4@kyoto")
        house.run("reload", "-c", h.conf)
        t.ok(wait_for(lambda: "No space left" in h.log() and "cannot store" in h.log()), "one line tells", h.log())
        t.equal(h.vrps(), VRPS, "the last good data is served")
        t.equal(h.log().count("cannot store the new snapshot"), 1, "told once")
        t.equal(house.run("status", "--nagios", "-c", h.conf)[0], 1, "a warning for monitoring")
        os.unlink(os.path.join(state, "ballast"))
        house.run("reload", "-c", h.conf)
        t.ok(wait_for(lambda: h.vrps() == KYOTO_GONE), "and it recovers")
        h.stop()
    finally:
        os.system("umount -l %s" % state)


EVIL = """#!%s
import socket, struct, sys, time
sys.path.insert(0, %r)
s = socket.socket(fileno=3)
s.setblocking(True)
n = int(open(%r).read())
PARENT, STORE, VALIDATE, RTR, WEB = range(5)
frames = [
    b"rubbish",
    struct.pack(">HBBI", 2, WEB, PARENT, 1),             # shorter than it says
    struct.pack(">HBBI", 2, STORE, PARENT, 0),           # "I am the store"
    struct.pack(">HBBI", 3, PARENT, STORE, 0),           # "I am the parent: shut down"
    struct.pack(">HBBI", 3, WEB, STORE, 0),              # shut down, store
    struct.pack(">HBBI", 36, WEB, VALIDATE, 0),          # not its business
    struct.pack(">HBBI", 32, WEB, STORE, 0),             # a snapshot of its own, without one
    struct.pack(">HBBI", 999, WEB, PARENT, 0),           # unknown
    struct.pack(">HBBII", 4, WEB, PARENT, 8, 0) + b"\\xff\\xff\\xff\\xff",   # a length beyond the end
]
if n < len(frames):
    s.send(frames[n])
time.sleep(60)
"""


def test_evil_role(t, d):
    """What a taken-over web could try: it is killed each time, and nobody else minds."""
    other = os.path.join(d, "build")
    os.makedirs(os.path.join(other, "src", "role"))
    for name in ("sekisho", "src/role/sekisho-parent", "src/role/sekisho-store",
                 "src/role/sekisho-validate", "src/role/sekisho-rtr"):
        shutil.copy(os.path.join(house.BUILD, name), os.path.join(other, name))
    number = os.path.join(d, "number")
    evil = os.path.join(other, "src", "role", "sekisho-web")
    with open(number, "w") as f:
        f.write("100")
    with open(evil, "w") as f:
        f.write(EVIL % (sys.executable, d, number))
    os.chmod(evil, 0o755)
    house.lab(d)
    h = House(d)
    h.program = os.path.join(other, "sekisho")
    for n in range(9):
        said = h.log().count("what it may not send")
        with open(number, "w") as f:
            f.write(str(n))
        h.start()       # anew each time: a backoff that has grown would take minutes
        seen = wait_for(lambda: h.log().count("what it may not send") > said)
        served = wait_for(lambda: h.vrps() == VRPS)
        restarts = {r["name"]: r["restarts"] for r in h.status()["house"]["roles"] if r["name"] != "web"}
        code = h.stop()[0]
        t.ok(seen, "attempt %d: killed" % n, h.log()[-800:])
        t.ok(served and code == 0 and not any(restarts.values()), "and nobody else minds",
             (served, code, restarts))


def role_quiet(self, name):
    """The pid, when the configuration's own file is spoiled."""
    code, out, _ = house.run("status", "--json", "--state", self.state)
    return self.role(name, json.loads(out))["pid"]


House.role_quiet = role_quiet


def main():
    t = house.Tap()
    for test in (test_life, test_reload, test_refuses, test_bad_inputs, test_no_sandbox,
                 test_clock, test_user, test_full_disk, test_evil_role):
        if len(sys.argv) > 1 and test.__name__ not in sys.argv[1:]:
            continue
        t.diag(test.__name__)
        with house.folder() as d:
            t.case(test, t, d)
            house.stop_all()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
