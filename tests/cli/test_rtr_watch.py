#!/usr/bin/env python3
"""sekisho rtr check, rtr diff, rtr whatif: caches that behave, and one that does not."""
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lab"))
from patience import patient, wait_for  # noqa: E402

BUILD = os.environ.get("SEKISHO_BUILD", "build")
SEKISHO = os.path.join(BUILD, "sekisho")
NEVER = 4102444800
N = FAILED = 0


def ok(good, name, note=""):
    global N, FAILED
    N += 1
    FAILED += not good
    print("%sok %d - %s" % ("" if good else "not ", N, name), flush=True)
    if not good:
        print("# " + str(note)[:900].replace("\n", "\n# "), flush=True)


def run(*argv, timeout=60):
    return subprocess.run([SEKISHO, *argv], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=patient(timeout))


class Serve:
    """`rtr serve` on a free port, until the end of the with block."""

    def __init__(self, *argv):
        self.p = subprocess.Popen([SEKISHO, "rtr", "serve", "--json", "--listen", "127.0.0.1:0",
                                   *argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True)
        ready, _, _ = select.select([self.p.stdout], [], [], patient(20))
        self.address = json.loads(self.p.stdout.readline())["listen"][0] if ready else "?"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.p.terminate()
        self.p.wait(15)
        self.p.stdout.close()


def roas(n, expires=NEVER):
    return [{"asn": 64496 + i, "prefix": "10.%d.0.0/16" % i, "maxLength": 24, "ta": "lab",
             "expires": expires} for i in range(n)]


def write(path, doc):
    with open(path + ".new", "w") as f:
        f.write(doc if isinstance(doc, str) else json.dumps(doc))
    os.rename(path + ".new", path)


class Fake:
    """A cache that answers each query with the next of some texts."""

    def __init__(self, answers, close=False):
        self.s = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.s.getsockname()[1]
        self.answers, self.close = list(answers), close
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        try:
            c, _ = self.s.accept()
            for a in self.answers:
                head = c.recv(8, socket.MSG_WAITALL)
                c.recv(struct.unpack(">I", head[4:])[0] - 8, socket.MSG_WAITALL)
                c.sendall(a)
            while not self.close and c.recv(4096):
                pass
            c.close()
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.s.close()


def pdu(kind, field, body=b"", version=1):
    return struct.pack(">BBHI", version, kind, field, 8 + len(body)) + body


def prefix(third, announce=1):
    return pdu(4, 0, struct.pack(">BBBB4BI", announce, 24, 24, 0, 192, 0, third, 0, 64496))


def eod(serial, refresh=3600, retry=600, expire=7200, session=9):
    return pdu(7, session, struct.pack(">IIII", serial, refresh, retry, expire))


RESPONSE, RESET = pdu(3, 9), pdu(8, 0)
SAME = RESPONSE + eod(5)


def check(address, *argv):
    r = run("rtr", "check", address, "--json", "--timeout", "60", *argv)
    doc = json.loads(r.stdout) if r.stdout else {}
    return r.returncode, doc, {f["code"] for f in doc.get("findings", [])}


def checking(d):
    path = os.path.join(d, "v.json")
    write(path, {"roas": roas(5), "aspas": [{"customer_asid": 1, "providers": [2, 3]}]})
    with Serve("--vrps", path) as s:
        rc, doc, codes = check(s.address)
        ok(rc == 0 and doc["complete"] and doc["vrps"] == 5 and doc["aspas"] == 1
           and doc["version"] == 2 and doc["answer_to_current"] == "same"
           and doc["error"] is None, "a healthy cache", doc)
        ok("WATCH_AGE_UNKNOWN" in codes and "WATCH_PLAIN" not in codes,
           "nobody can tell its age; on this machine plain TCP is no matter", codes)
        rc, doc, codes = check(s.address, "--version", "0")
        ok(rc == 0 and doc["version"] == 0 and not doc["timers_told"], "version 0: no timers", doc)
        rc, doc, codes = check(s.address, "--min-vrps", "6")
        ok(rc == 1 and "WATCH_FEW_VRPS" in codes, "too few VRPs", codes)
        write(path, {"roas": roas(7)})
        s.p.send_signal(signal.SIGHUP)
        wait_for(lambda: check(s.address)[1]["vrps"] == 7)
        rc, doc, codes = check(s.address)
        ok(doc.get("answer_to_previous") == "changes" and doc["payloads_since_previous"] == 3,
           "it keeps the changes since the serial before", doc)
        state = os.path.join(d, "state")
        os.mkdir(state)
        rc, doc, codes = check(s.address, "--state", state, "--max-age", "1")
        ok(rc == 0, "--state: the first look", doc)
        time.sleep(2.2)
        rc, doc, codes = check(s.address, "--state", state, "--max-age", "1")
        ok(rc == 1 and "WATCH_STALE" in codes and doc["serial_age"] >= 2,
           "--state: the same serial for too long", doc)
        write(path, {"roas": roas(8)})
        s.p.send_signal(signal.SIGHUP)
        wait_for(lambda: check(s.address)[1]["vrps"] == 8)
        rc, doc, codes = check(s.address, "--state", state, "--max-age", "1")
        ok(rc == 0 and "WATCH_STALE" not in codes, "--state: a new serial is young", doc)
        r = run("rtr", "check", s.address, "--nagios", "--min-vrps", "9")
        ok(r.returncode == 2 and r.stdout.startswith("RTR CRITICAL - ")
           and "WATCH_FEW_VRPS" in r.stdout and "vrps=8;;9:" in r.stdout
           and len(r.stdout.splitlines()) == 1, "--nagios: critical", r.stdout)
        r = run("rtr", "check", s.address, "--nagios")
        ok(r.returncode == 0 and " | vrps=8 " in r.stdout, "--nagios: good", r.stdout)
    r = run("rtr", "check", s.address, "--nagios")
    ok(r.returncode == 2, "--nagios: nobody there is critical", r.stdout)
    rc, doc, _ = check(s.address)
    ok(rc == 3 and doc["connected"] is False and doc["error"], "nobody there", doc)


def faults(d):
    for name, answers, codes, rc in (
            ("no data", [pdu(10, 2, struct.pack(">II", 0, 0))], {"WATCH_NO_DATA"}, 1),
            ("Cache Reset to its own serial",
             [RESPONSE + prefix(1) + eod(5), RESET, RESPONSE + prefix(1) + eod(5), RESET],
             {"WATCH_NO_DELTA"}, 0),
            ("Cache Reset to the serial before", [RESPONSE + prefix(1) + eod(5), SAME, RESET],
             {"WATCH_DELTA_SHORT"}, 0),
            ("no time to retry", [RESPONSE + prefix(1) + eod(5, 3600, 600, 4000),
                                  RESPONSE + eod(5, 3600, 600, 4000), SAME],
             {"WATCH_EXPIRE_SHORT"}, 0),
            ("two days", [RESPONSE + prefix(1) + eod(5, 3600, 600, 172800),
                          RESPONSE + eod(5, 3600, 600, 172800), SAME], {"WATCH_EXPIRE_LONG"}, 0),
            ("timers beyond the standard", [RESPONSE + prefix(1) + eod(5, 0, 0, 1),
                                            RESPONSE + eod(5, 0, 0, 1), SAME], {"RTR_TIMERS"}, 0),
            ("the same twice", [RESPONSE + prefix(1) + prefix(1) + eod(5)],
             {"RTR_DUPLICATE"}, 1),
            ("withdrawn before it came", [RESPONSE + prefix(1, 0) + eod(5)],
             {"RTR_WITHDRAW_UNKNOWN"}, 1)):
        with Fake(answers) as f:
            got = check(f.address, "--version", "1")
            ok(got[0] == rc and codes <= got[2], name, got)
    with Fake([RESPONSE + prefix(1) + eod(5), SAME, SAME]) as f:
        got = check(f.address)
        ok("WATCH_VERSION_LOW" in got[2] and got[1]["version"] == 1, "an older version", got)
    with Fake([RESPONSE + prefix(1)], close=True) as f:
        got = check(f.address, "--version", "1")
        ok(got[0] == 3 and not got[1]["complete"], "it hangs up in the middle", got)
    with Fake([RESPONSE]) as f:
        got = check(f.address, "--version", "1", "--timeout", "1")
        ok(got[0] == 3, "it never ends", got)


def usage():
    for argv, name in ((("check",), "no cache"), (("check", "a:1", "b:1"), "two caches"),
                       (("check", "127.0.0.1:1", "--max-age", "60"), "--max-age alone"),
                       (("check", "127.0.0.1:x"), "no port"),
                       (("diff", "127.0.0.1:1"), "one source"),
                       (("diff", "127.0.0.1:1", "b", "--lag", "3"), "--lag alone"),
                       (("whatif",), "nothing happens"),
                       (("whatif", "--cache-down", "--router", "x:windows"), "unknown software"),
                       (("whatif", "--cache-down", "--router", "x:bird,colour=3"), "unknown key"),
                       (("whatif", "--cache-down", "--expire", "600", "--refresh", "700"),
                        "expire below refresh")):
        r = run("rtr", *argv)
        ok(r.returncode == 2 and len(r.stderr.splitlines()) == 1, "usage: " + name, r.stderr)


def diff(*argv):
    r = run("rtr", "diff", "--json", *argv)
    doc = json.loads(r.stdout) if r.stdout else {}
    return r.returncode, doc, {f["code"] for f in doc.get("findings", [])}


def differing(d):
    a, b, c = (os.path.join(d, n) for n in ("a.json", "b.json", "c.csv"))
    rows = roas(6)
    write(a, {"roas": rows, "aspas": [{"customer_asid": 1, "providers": [2]}]})
    write(b, {"roas": rows[1:5] + [dict(rows[5], maxLength=20, ta="x")],
              "aspas": [{"customer_asid": 1, "providers": [3]}]})
    write(c, "ASN,IP Prefix,Max Length,Trust Anchor\n" + "".join(
        "AS%d,%s,%d,lab\n" % (r["asn"], r["prefix"], r["maxLength"]) for r in rows))
    rc, doc, codes = diff(a, a)
    ok(rc == 0 and doc["common"] == 7 and not codes, "a list and itself", doc)
    rc, doc, codes = diff(a, b)
    ok(rc == 1 and doc["differ"] == {"vrp": 3, "aspa": 2, "router-key": 0}
       and doc["max_length_only"] == 2 and {"WATCH_DIFFER", "WATCH_MAXLEN"} <= codes,
       "two lists", doc)
    ok(doc["sources"][1]["only_here_by_ta"] == {"x": 1, "-": 1} or
       doc["sources"][1]["only_here_by_ta"].get("x") == 1, "by trust anchor", doc["sources"])
    ok(any(e["kind"] == "aspa" and e["other_providers"] for e in doc["entries"]),
       "an ASPA with other providers", doc["entries"])
    rc, doc, codes = diff(a, b, "--list", "1")
    ok(len(doc["entries"]) == 1 and doc["entries_left_out"] == 4, "--list", doc)
    rc, doc, codes = diff(a, c)
    ok(rc == 0 and doc["compared"] == ["vrp"], "a CSV has VRPs only", doc)
    for n, argv, want in ((0, (a, a), "OK"), (1, (a, b), "WARNING"),
                          (2, (a, b, "--crit", "5"), "CRITICAL"), (0, (a, b, "--warn", "6"), "OK")):
        r = run("rtr", "diff", "--nagios", *argv)
        ok(r.returncode == n and r.stdout.startswith("RTR %s - " % want)
           and " | differ=" in r.stdout, "--nagios %s" % want, r.stdout)
    with Serve("--vrps", a) as s:
        rc, doc, codes = diff(s.address, a, c)
        ok(rc == 0 and doc["sources"][0]["kind"] == "rtr" and doc["common"] == 6,
           "a cache, its file, a CSV", doc)
        rc, doc, codes = diff(s.address, b)
        ok(rc == 1 and doc["sources"][0]["missing_here"] == 2, "a cache and another list", doc)
        r = run("rtr", "diff", s.address, os.path.join(d, "absent"))
        ok(r.returncode in (2, 3) and len(r.stderr.splitlines()) == 1, "neither file nor cache", r.stderr)
    r = run("rtr", "diff", s.address, a)
    ok(r.returncode == 3, "nobody there", r.stderr)


def lagging(d):
    """A file changes at once; the cache that reads it every two seconds is later."""
    path = os.path.join(d, "l.json")
    write(path, {"roas": roas(4)})
    with Serve("--vrps", path) as s:
        # The command has to look before the change, and long enough after it.
        for after, watch in ((1.5, 8), (6, 32), (24, 128)):
            write(path, {"roas": roas(4)})
            wait_for(lambda: check(s.address)[1]["vrps"] == 4)
            change = threading.Timer(after, write, (path, {"roas": roas(6)}))
            change.start()
            rc, doc, codes = diff(s.address, path, "--watch", str(watch), "--interval", "1")
            change.join()
            late = doc["lag"][0]
            good = rc == 0 and late["later"] == 2 and doc["lag"][1]["first"] == 2 and \
                0 < late["p50_usec"] <= late["max_usec"] < watch * 1000000
            if good:
                break
        ok(good, "the lag of a cache", doc["lag"])
    with Serve("--vrps", path) as s:
        other = os.path.join(d, "other.json")
        for after, watch in ((1, 4), (6, 24), (24, 96)):
            write(other, {"roas": roas(6)})
            change = threading.Timer(after, write, (other, {"roas": roas(7)}))
            change.start()
            rc, doc, codes = diff(s.address, other, "--watch", str(watch), "--interval", "1", "--lag", "1")
            change.join()
            good = rc == 1 and "WATCH_LAG" in codes and doc["lag"][0]["awaited"] == 1
            if good:
                break
        ok(good, "a change that never comes", doc["lag"])


def whatif(*argv):
    r = run("rtr", "whatif", "--cache-down", "--json", *argv)
    doc = json.loads(r.stdout) if r.stdout else {}
    return r.returncode, doc, [f["code"] for f in doc.get("findings", [])]


def foretelling(d):
    rc, doc, codes = whatif("--at", "2026-11-22T00:00:00Z")
    ok(rc == 0 and len(doc["routers"]) == 8 and not codes
       and doc["routers"][0]["forgets"]["last_time"] == "2026-11-22T02:00:01Z",
       "all software that is known", doc)
    rc, doc, codes = whatif("--router", "edge1:bird,synced=100", "--router", "2001:db8::1:ios-xr",
                            "--router", "e3:junos,caches=2")
    got = {r["router"]: r for r in doc["routers"]}
    ok(got["edge1"]["forgets"]["first"] == 7100 and got["2001:db8::1"]["forgets"]["last"] == 61
       and got["e3"]["forgets"] is None and got["e3"]["then"] != "not-found",
       "routers with names", doc)
    ok(codes == ["WATCH_UNPROTECTED", "WATCH_UNPROTECTED", "WATCH_FORGETS_EARLY"],
       "who has one cache, and who forgets early", codes)
    conf = os.path.join(d, "s.conf")
    write(conf, "organisation:\n  asns: [64496]\nrtr:\n  refresh: 10m\n  retry: 5m\n  expire: 30m\n")
    rc, doc, codes = whatif("-c", conf, "--router", "r:frr,synced=0")
    ok(rc == 0 and doc["timers"] == {"refresh": 600, "retry": 300, "expire": 1800}
       and doc["routers"][0]["forgets"] ["last"] == 2101, "timers of the configuration", doc)
    routers = os.path.join(d, "routers.json")
    write(routers, {"routers": [{"address": "192.0.2.7:40000", "version": 0, "state": "synced"},
                                {"address": "[2001:db8::7]:40001", "version": 2},
                                {"address": "192.0.2.8:1", "version": None}]})
    rc, doc, codes = whatif("--routers", routers, "--router", "192.0.2.7:ios-xr",
                            "--software", "bird", "--expire", "9000")
    got = {r["router"]: r for r in doc["routers"]}
    ok(set(got) == {"192.0.2.7", "2001:db8::7", "192.0.2.8"}
       and got["192.0.2.7"]["software"] == "ios-xr" and got["192.0.2.7"]["version"] == 0
       and got["2001:db8::7"]["timers"]["expire"] == 9000, "the routers that the page lists", doc)
    rc, doc, codes = whatif("--routers", routers, "--software", "bird", "--expire", "9000")
    got = {r["router"]: r["timers"]["expire"] for r in doc["routers"]}
    ok(got == {"192.0.2.7": 7200, "2001:db8::7": 9000, "192.0.2.8": 9000},
       "version 0 knows no timers of the cache", doc)
    write(routers, "{}")
    r = run("rtr", "whatif", "--cache-down", "--routers", routers)
    ok(r.returncode == 3 and len(r.stderr.splitlines()) == 1, "a file that is no such list", r.stderr)
    r = run("rtr", "whatif", "--cache-down", "--lang", "ja")
    ok(r.returncode == 0 and len(r.stdout.splitlines()) == 13, "as text", r.stdout)


def main():
    with tempfile.TemporaryDirectory(prefix="sekisho-watch-") as d:
        for case in (checking, faults, differing, lagging, foretelling):
            sub = os.path.join(d, case.__name__)
            os.mkdir(sub)
            case(sub)
        usage()
    print("1..%d" % N, flush=True)
    return 1 if FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
