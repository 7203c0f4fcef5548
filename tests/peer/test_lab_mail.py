#!/usr/bin/env python3
"""
sekisho lab mail with real programs: its flows go to a Postfix with our milter,
a resolver has the world's DNS, and each flow is let in or refused as the
description says; and the rows that are noted for reports, and the reports as
their owners get them, are exactly those of expected-report.json.
"""
import collections
import json
import os
import shutil
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "cli"))
sys.path.insert(0, os.path.join(HERE, "..", "lab"))
import house  # noqa: E402
import postfix  # noqa: E402
import reportskit  # noqa: E402
import rowskit  # noqa: E402
import smtp_sink  # noqa: E402
from patience import free_port, patient, wait_for  # noqa: E402
from tap import Tap  # noqa: E402

UNBOUND = "/usr/sbin/unbound"


def ports():
    """The first of five that are free."""
    for _ in range(20):
        first = free_port()
        if first < 65000 and not [p for p in range(first, first + 5) if listens(p)]:
            return first
    raise RuntimeError("no ports")


def listens(port):
    try:
        import socket
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def lab(*words):
    p = subprocess.run([house.SEKISHO, "lab", "mail", *words], capture_output=True, timeout=patient(60))
    return p.returncode, p.stdout.decode(), p.stderr.decode()


def start(log, *argv):
    with open(log, "wb") as f:
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=f, stderr=f, start_new_session=True)


def stop(proc):
    if proc.poll() is None:
        proc.send_signal(signal.SIGTERM)
    try:
        return proc.wait(patient(20))
    except subprocess.TimeoutExpired:
        proc.kill()
        return proc.wait()


def text(*path):
    try:
        with open(os.path.join(*path), encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


# Columns of expected-report.json and of rows; what the owner asks for and what was done are compared for themselves.
EXPECTED = ("policy_domain", "source_ip", "dmarc", "dkim", "spf")
NOTED = ("policy", "source", "dmarc", "dkim", "spf")


def alike(flow):
    """What a report says of a flow's messages, by its description."""
    e = flow["expect"]
    return (e["policy"] or "", flow["client"], e["dmarc"], "dkim" in e["aligned"], "spf" in e["aligned"])


def counted(t, d, name, want):
    """Rows that were noted beside a count of each kind."""
    def off():
        got = rowskit.tally(rowskit.kept(os.path.join(d, "state")), *NOTED)
        return ["%r: %d rows, %d expected" % (k, got[k], want[k]) for k in sorted(set(got) | set(want)) if got[k] != want[k]]
    wait_for(lambda: not off(), 2)
    t.none(off(), name)


def done(t, d, flows):
    """What was done is what was asked for, or the row says why it is not."""
    asked = {}
    for f in flows:
        asked.setdefault(alike(f), set()).add(f["expect"]["disposition"])
    bad = []
    for r in rowskit.kept(os.path.join(d, "state")):
        # "pass" is of an enforcing policy (RFC 9990 appendix A), and what was asked does not say which it was
        want = {"pass", "none"} if r["dmarc"] == "pass" else asked.get(tuple(r[k] for k in NOTED), set())
        if r["disposition"] not in want and not r["reasons"]:
            bad.append(r)
    t.none(bad, "each row's disposition is what its domain asks for, or has a reason")


def noted(t, d, sent, again):
    """The description, expected-report.json and what was noted say the same."""
    with open(os.path.join(d, "flows.json"), encoding="utf-8") as f:
        flows = json.load(f)["flows"]
    with open(os.path.join(d, "expected-report.json"), encoding="utf-8") as f:
        report = json.load(f)
    # No row of those who have no author to whom one could tell it.
    flows = [f for f in flows if f["expect"]["dmarc"] != "permerror"]
    reported = collections.Counter()
    for r in report:
        reported[tuple(r[k] == "pass" if k in ("dkim", "spf") else r[k] for k in EXPECTED)] += r["count"]
    t.equal({k: n for k, n in collections.Counter(alike(f) for f in flows).items() if k[0]}, dict(reported),
            "expected-report.json has one of each flow that has a policy")
    want = collections.Counter()
    for f in flows:
        want[alike(f)] += sent[f["label"]] + again[f["label"]]
    counted(t, d, "%d rows, each as its flow is described" % sum(want.values()), want)
    done(t, d, flows)


def play(t, d, first):
    code, out, err = lab("--send", "127.0.0.1:%d" % first, "--json", "--parallel", "4", d)
    rows = json.loads(out)["flows"] if out else []
    bad = [r for r in rows if not r["as_expected"]]
    t.ok(code == 0 and rows and not bad, "each flow as its description says", json.dumps(bad, indent=1) + err + text(d, "postfix", "log")[-2000:])
    t.ok(all(r["reply"].startswith("550") for r in rows if r["expected"] == "refused"), "refusals are final, and say why", rows)
    code, out, err = lab("--send", "127.0.0.1:%d" % first, "--count", "60", "--json", "--parallel", "3", d)
    mixture = json.loads(out)["flows"] if out else []
    t.ok(code == 0 and sum(r["sent"] for r in mixture) == 60, "a mixture by weights", out + err)
    log = text(d, "postfix", "log")
    t.ok("unknown[203.0.113.66]" in log and "unknown[2001:db8:1::25]" in log, "Postfix has the clients' addresses", log[-2000:])
    noted(t, d, *({r["label"]: r["sent"] for r in x} for x in (rows, mixture)))


def other_world(t, d, first):
    """Keys that are not those of the DNS: it is seen."""
    with open(os.path.join(d, "other.lab"), "w", encoding="utf-8") as f:
        f.write(text(d, "world.lab") + "seed 99\n")
    code, out, err = lab("--send", "127.0.0.1:%d" % first, "--world", os.path.join(d, "other.lab"), "--json", d)
    rows = {r["label"]: r for r in json.loads(out)["flows"]} if out else {}
    t.ok(code == 1 and rows and not rows["forward-plain"]["as_expected"] and rows["direct-unsigned"]["as_expected"],
         "another world's signatures fail, and the exit status says so", out + err)


# --- reports ---

# Two days ago: the moment of each domain has gone by.
SHIFT = "UPDATE mail_row SET day = day - 2, at = at - 2 * 86400; DELETE FROM mail_number WHERE name = 'made'"


def stored(d):
    path = os.path.join(d, "state", "mail-reports", "reports.sqlite")
    return rowskit.stored(rowskit.Sqlite(path)) if os.path.exists(path) else []


def serve_again(d, running, between):
    """Ends serve, which seals its journal, and begins it anew."""
    stop(running["serve"])
    between()
    running["serve"] = start(os.path.join(d, "serve.log"), house.SEKISHO, "serve", "-c", os.path.join(d, "sekisho.conf"))
    return wait_for(lambda: os.path.exists(os.path.join(d, "run", "milter")), 20)


def forget(d):
    for name in ("mail-rows", "mail-reports"):
        shutil.rmtree(os.path.join(d, "state", name), ignore_errors=True)


def reported(t, d, first, running, sink):
    """One message of each flow; two days later the owners' reports say of each what expected-report.json does."""
    t.ok(serve_again(d, running, lambda: forget(d)), "nothing is noted")
    want, domains = collections.Counter(), reportskit.wanting(d)
    for r in json.loads(text(d, "expected-report.json")):
        if r["policy_domain"] in domains:
            want[tuple(r[k] for k in ("policy_domain", "source_ip", "dkim", "spf"))] += r["count"]
    _, out, err = lab("--send", "127.0.0.1:%d" % first, "--json", "--variants", "1", d)
    rows = json.loads(out)["flows"] if out else []
    t.ok(rows and all(r["as_expected"] and r["sent"] == 1 for r in rows), "one of each flow", out + err)
    n = len([1 for f in json.loads(text(d, "flows.json"))["flows"] if f["expect"]["dmarc"] != "permerror"])
    serve_again(d, running, lambda: None)
    t.ok(wait_for(lambda: len(stored(d)) == n, 20), "%d rows are in the store" % n, text(d, "serve.log"))
    store = rowskit.Sqlite(os.path.join(d, "state", "mail-reports", "reports.sqlite"))
    serve_again(d, running, lambda: store.do(SHIFT))
    wait_for(lambda: {m.domain for m in sink.mails} >= {k[0] for k in want}, 30)
    mails, got = [reportskit.Mail(m.octets) for m in sink.mails], collections.Counter()
    for k, count in reportskit.total(mails).items():
        got[k[0], k[1], k[3], k[4]] += count
    t.none(["%r: %d, not %d" % (k, got[k], want[k]) for k in set(got) | set(want) if got[k] != want[k]],
           "%d reports say the same of %d messages as expected-report.json" % (len(mails), sum(want.values())))
    reportskit.schema(t, d, mails, "9990")


def main():
    t = Tap()
    why = postfix.missing() or (None if os.path.exists(UNBOUND) else "no unbound")
    if why:
        t.skip("lab mail with Postfix", why)
        return t.done()
    with house.folder() as d:
        first = ports()
        os.chmod(d, 0o755)	# Postfix goes through it
        code, out, err = lab("--first-port", str(first), d)
        t.ok(code == 0, "a world", err)
        sink = smtp_sink.Sink()
        with open(os.path.join(d, "sekisho.conf"), "a", encoding="utf-8") as f:
            f.write("  reports: aggregate\n  reporting:\n    email: dmarc@gate.example\n    via: smtp://127.0.0.1:%d\n" % sink.port)
        check = subprocess.run([house.SEKISHO, "conf", "check", "-c", os.path.join(d, "sekisho.conf")], capture_output=True, timeout=60)
        t.ok(check.returncode == 0, "its sekisho.conf is good", check.stdout + check.stderr)
        running = {"dns": start(os.path.join(d, "unbound.log"), UNBOUND, "-d", "-c", os.path.join(d, "unbound.conf")),
                   "serve": start(os.path.join(d, "serve.log"), house.SEKISHO, "serve", "-c", os.path.join(d, "sekisho.conf"))}
        try:
            up = wait_for(lambda: os.path.exists(os.path.join(d, "run", "milter")) and listens(first + 2), 20)
            subprocess.run(["postfix", "-c", os.path.join(d, "postfix"), "start"], capture_output=True, timeout=patient(60))
            up = up and wait_for(lambda: listens(first), 20)
            t.ok(up, "resolver, milter and Postfix", text(d, "serve.log") + text(d, "unbound.log") + text(d, "postfix", "log"))
            if up:
                for case in (play, other_world):
                    t.case(case, t, d, first)
                t.case(reported, t, d, first, running, sink)
        finally:
            subprocess.run(["postfix", "-c", os.path.join(d, "postfix"), "stop"], capture_output=True, timeout=patient(60))
            for p in running.values():
                stop(p)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
