#!/usr/bin/env python3
"""
sekisho serve fetches a lab's world by itself: RRDP, deltas, rsync as the
fallback, one server that misbehaves beside others that do not, and what dies
in between.
"""
import json
import os
import shutil
import sys
import urllib.request
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lab"))
from house import House, Tap, run, stop_all, wait_for  # noqa: E402
from labhouse import LabHouse  # noqa: E402

t = Tap()
TA, EDO, KYOTO = "ta.example", "edo.example", "kyoto.example"
NOTIFY = "https://%s/rrdp/notification.xml"
MODULE = "rsync://%s/repo/"
STEPS = 4
WORLD = """steps %d
churn 400
ta house {
	resources 192.0.2.0/24 198.51.100.0/24 2001:db8::/32 AS64496-AS64511
	server ta.example
	ca edo {
		server edo.example
		resources 192.0.2.0/24 2001:db8::/36 AS64496
		roa AS64496 192.0.2.0/24 name edo-v4
		roa AS64496 192.0.2.0/25 name edo-a
		roa AS64496 192.0.2.128/25 name edo-b
		roa AS64496 2001:db8::/36-48 name edo-v6
		ghostbusters name noc
	}
	ca kyoto {
		server kyoto.example
		resources 198.51.100.0/24 AS64497
		roa AS64497 198.51.100.0/24 name kyoto-v4
		roa AS64497 198.51.100.0/25 name kyoto-a
		roa AS64497 198.51.100.128/25 name kyoto-b from 2 until 5	# whatever churns: new at step 2
	}
}
""" % STEPS


def world(folder):
    with open(os.path.join(folder, "w.lab"), "w") as f:
        f.write(WORLD)
    code, _, err = run("lab", "rpki", "w.lab", "-q", "--seed", "7", "--servers", ".", cwd=folder)
    assert code == 0, err
    assert mixed(folder, 1, 2) != expected(folder, 1), "no news of kyoto at step 2"


def expected(folder, step):
    with open(os.path.join(folder, f"expected-{step}.csv")) as f:
        rows = [line.split(",") for line in f.read().splitlines()[1:]]
    return {f"{r[0]} {r[1]}-{r[2]}" for r in rows}


def mixed(folder, edo_step, kyoto_step):
    """What counts when the two servers are not of the same time."""
    def of_kyoto(v):
        return " 198.51.100." in v
    return {v for v in expected(folder, edo_step) if not of_kyoto(v)} | \
        {v for v in expected(folder, kyoto_step) if of_kyoto(v)}


def house(folder, lab, more="", state="state", refresh="10s"):
    hosts = ", ".join('"%s"' % h for h in lab.hosts_option().split())
    h = House(folder, f"fetch:\n  mode: on\n  refresh: {refresh}\n  timeout: 8s\n  ca-file: {lab.ca}\n"
              f"  hosts: [{hosts}]\n{more}", inputs="tree: []")
    with open(h.conf) as f:
        text = f.read()
    with open(h.conf, "w") as f:
        f.write(text.replace("tals: house.tal", "tals: tals").replace("state: state", "state: " + state))
    h.state = os.path.join(folder, state)
    h.start()
    return h


def fetch(h):
    return h.status()["details"]["fetch"]["status"]


def server(h, key):
    return next((s for s in fetch(h)["servers"] if s["key"] == key), None)


def metrics(h):
    """{name with labels: value}; empty while nobody answers."""
    try:
        with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % h.ports[1], timeout=10) as r:
            lines = r.read().decode().splitlines()
    except OSError:
        return {}
    return {x.rsplit(" ", 1)[0]: float(x.rsplit(" ", 1)[1]) for x in lines if not x.startswith("#")}


def found(h, key):
    """Findings of that server's fetching that rpki log tells, whole."""
    code, out, _ = run("rpki", "log", "-c", h.conf, "--json", key)
    return [f["code"] for f in (json.loads(out)["findings"] if code == 0 else ())
            if f["subject"] == key and f["code"].startswith("FETCH_") and f["clause"] and f["text"] and f["remedy"]]


def has(h, folder, step, seconds=25):
    want = expected(folder, step)
    return wait_for(lambda: h.vrps() == want, seconds)


def case_rrdp(folder, lab):
    lab.step(0)
    h = house(folder, lab)
    t.ok(has(h, folder, 0), "a cold start: all that is published, from three servers", h.log())
    kinds = {s["key"]: s["kind"] for s in fetch(h)["servers"]}
    t.equal(kinds, {"ta:house": "ta", **{NOTIFY % n: "rrdp" for n in (TA, EDO, KYOTO)}}, "… by RRDP alone")
    origin = sorted(v.split() for v in h.vrps() if v.startswith("AS64496 "))[0]
    route = "%s %s" % (origin[1].rsplit("-", 1)[0], origin[0])
    said = run("rpki", "explain", "-c", h.conf, "--json", *route.split())[1]
    t.equal([c["contact"]["verified"] for c in json.loads(said)["chain"] if "contact" in c], [True],
            "whom to call is told with the chain", said)
    lab.stats(reset=True)
    lab.step(1)
    t.ok(has(h, folder, 1), "the world moves, and we with it", h.log())

    # Kyoto now takes for ever; Edo goes on.
    lab.behave(f"{KYOTO} slow-body rate=20")
    lab.behave(f"{KYOTO} rsync-stall")
    lab.step(2)
    t.ok(wait_for(lambda: h.vrps() == mixed(folder, 2, 1), 25),
         "beside a server that takes for ever, the others are on time", h.log())
    t.ok(wait_for(lambda: (server(h, NOTIFY % KYOTO) or {}).get("failures", 0) > 0, 30),
         "… and it is known as one that fails", fetch(h))
    out = run("status", "-c", h.conf)[1]
    t.ok(NOTIFY % KYOTO in out and NOTIFY % EDO not in out, "… status names it, and no other", out)
    t.ok(wait_for(lambda: any(k.startswith('sekisho_findings_by_code{code="FETCH_') for k in metrics(h)), 5),
         "… also by the findings' codes", sorted(metrics(h)))
    t.equal(h.vrps(), mixed(folder, 2, 1), "… while its last good data count")
    t.ok(wait_for(lambda: found(h, NOTIFY % KYOTO), 20), "rpki log tells a server's findings, with what to do",
         run("rpki", "log", "-c", h.conf, NOTIFY % KYOTO))
    t.equal(found(h, NOTIFY % EDO), [], "… and none of another")

    lab.heal()
    t.ok(has(h, folder, 2), "it is good again: its news, too", h.log())
    h.kill_role("fetch")
    lab.step(3)
    t.ok(has(h, folder, 3, 30), "fetch is killed alone: it asks what is wanted", h.log())
    for role in ("fetch", "store", "validate", "rsync", "verify"):
        h.kill_role(role)
    lab.step(4)
    t.ok(has(h, folder, 4, 40), "five roles are killed, the world moves: we follow", h.log())
    h.stop()
    lab.stats(reset=True)
    h.start()
    t.ok(has(h, folder, 4), "after a restart: the same")
    t.ok(wait_for(lambda: fetch(h)["good"] == 4, 20), "… all servers answer", fetch(h))
    runs = 'sekisho_validate_runs_total{result="good"}'

    def told(m):		# the page is told a moment later
        return m.get(runs, 0) > 0 and m.get("sekisho_validate_pins_lost_total") == 0 and \
            sum(m.get('sekisho_validate_points{how="%s"}' % x, 0) for x in ("judged", "as_before", "kept")) == 3
    t.ok(wait_for(lambda: told(metrics(h)), 5), "metrics tell of the runs", {k: v for k, v in metrics(h).items() if "validate_" in k})
    m = metrics(h)
    h.kill_role("web")
    t.ok(wait_for(lambda: metrics(h).get(runs, 0) >= m[runs], 15), "… and again after web is killed", h.log())
    code, err = h.stop()
    t.equal((code, err), (0, ""), "it ends well")


def case_fallback(folder, lab):
    lab.heal()
    lab.step(3)
    lab.behave(f"{EDO} not-found")
    h = house(folder, lab, state="state2")
    t.ok(has(h, folder, 3), "RRDP of a server is gone, nothing of it is held: rsync", h.log())
    s = wait_for(lambda: server(h, MODULE % EDO), 5)
    t.equal(s and s["kind"], "rsync", "… of its module")
    lab.heal()
    t.ok(wait_for(lambda: fetch(h)["fallback"] == 0, 30), "RRDP is back: rsync rests", fetch(h))
    h.stop()


def case_rsync_only(folder, lab):
    lab.heal()
    lab.step(3)
    h = house(folder, lab, more="  rrdp: no\n", state="state3")
    t.ok(has(h, folder, 3), "without RRDP: all by rsync", h.log())
    t.equal({s["kind"] for s in fetch(h)["servers"]}, {"ta", "rsync"}, "… and nothing by RRDP")
    h.stop()
    # "serve -c sekisho.conf", where that stands: rsync works in another folder.
    lab.step(4)
    conf, h.conf = h.conf, os.path.basename(h.conf)
    h.start(cwd=folder)
    h.conf = conf
    t.ok(has(h, folder, 4), "the configuration's path is relative: rsync works", h.log())
    h.stop()


def case_void(folder, lab):
    """Nothing can be had but the anchor's certificate: no data, rather than an empty set."""
    lab.heal()
    lab.step(4)
    lab.behave("* snapshot-hash")
    h = house(folder, lab, more="  rsync: never\n", state="state4")
    t.ok(wait_for(lambda: "not publishing an empty result" in h.log(), 40), "all servers are bad: it is said", h.log())
    try:
        got = h.vrps()
    except (ValueError, AssertionError) as e:
        got = str(e)
    t.equal(got, "error report 2", "… and routers are told No Data Available, not that there are no VRPs")
    lab.heal()
    t.ok(has(h, folder, 4, 40), "… and it is served", h.log())
    h.stop()


def case_fetch_now(folder, lab):
    """Nobody is due for an hour: what is new comes because it was asked for."""
    def now(*args):
        code, out, err = run("rpki", "fetch", "-c", h.conf, *args)
        return code, (json.loads(out) if "--json" in args and out else out), err

    lab.heal()
    lab.step(0)
    h = house(folder, lab, state="state5", refresh="1h")
    t.ok(has(h, folder, 0), "a cold start, then an hour of rest", h.log())
    t.ok(wait_for(lambda: fetch(h)["good"] == 4 and fetch(h)["running"] == 0, 20), "… all rest", fetch(h))
    lab.step(2)
    code, got, err = now(NOTIFY % KYOTO, "--json")
    t.equal((code, got), (0, {"count": 1, "asked": [NOTIFY % KYOTO], "all_listed": True}), "rpki fetch URI: that one", err)
    t.ok(wait_for(lambda: h.vrps() == mixed(folder, 0, 2), 25), "… and only its news come", h.log())
    code, out, _ = now("https://unknown.example/notification.xml")
    t.equal((code, out), (3, ""), "one that is not followed: 3")
    code, out, _ = now()
    t.ok(code == 0 and all(NOTIFY % n in out.splitlines() for n in (TA, EDO, KYOTO)) and "ta:house" in out.splitlines(),
         "rpki fetch: who was asked is said", out)
    t.ok(has(h, folder, 2), "… and all news come", h.log())
    t.equal([now(*x)[0] for x in (("a", "b"), ("a b",), ("https://" + 4000 * "a",))], [2, 2, 2], "wrong usage: 2")
    t.ok(now("--lang", "ja")[1] != out and now("-q") == (0, "", ""), "… in Japanese; -q")
    h.stop()
    t.equal(now()[0], 3, "no daemon: 3")


def main():
    if shutil.which("rsync") is None:
        t.skip("sekisho serve fetches", "no rsync program")
        return t.done()
    with tempfile.TemporaryDirectory(prefix="sekisho-live-") as folder:
        world(folder)
        try:
            with LabHouse(folder) as lab:
                for case in (case_rrdp, case_fallback, case_rsync_only, case_void, case_fetch_now):
                    t.case(case, folder, lab)
        finally:
            stop_all()
    return t.done()


if __name__ == "__main__":
    began = time.monotonic()
    code = main()
    print("# %.0f s" % (time.monotonic() - began))
    sys.exit(code)
