#!/usr/bin/env python3
"""History of the daemon: rpki log, rpki diff, and what kill -9 does to the record."""
import json
import os
import sqlite3
import sys
import time
import urllib.request

import house

STALE = "stale-manifest@kyoto"
KYOTO = {"asn": 64497, "prefix": "198.51.100.0/24"}


def log(h, *args):
    code, out, err = house.run("rpki", "log", "-c", h.conf, "--json", *args)
    assert code == 0, err
    return json.loads(out)


def changes(h, *args):
    return log(h, *args)["changes"]


def move(h, *faults):
    house.lab(h.folder, *faults, rrdp=True)
    assert house.run("reload", "-c", h.conf)[0] == 0


def rows(h, sql):
    db = sqlite3.connect("file:%s/sekisho.db?mode=ro" % h.state, uri=True)
    try:
        return db.execute(sql).fetchall()
    except sqlite3.DatabaseError as e:
        raise ValueError(sql) from e  # not yet, for wait_for()
    finally:
        db.close()


def started(d, **kw):
    house.lab(d, rrdp=True)
    h = house.House(d, inputs="rrdp: world.xml", **kw)	# replaced as a whole: a change is one publication
    h.start()
    assert house.wait_for(lambda: h.vrps() == house.VRPS, 30), h.log()
    return h


def test_log(t, d):
    h = started(d)
    got = house.wait_for(lambda: rows(h, "SELECT kind, v4 + v6, came FROM publication"))
    t.ok(got == [(1, 3, 0)], "the first publication is a baseline, not 3 changes", got)
    t.ok(changes(h) == [] and log(h)["record_begins"], "nothing changed yet")
    move(h, STALE)
    got = house.wait_for(lambda: changes(h, "198.51.100.0/24"), 30)
    lost = got[0] if got else {}
    t.ok(lost.get("event") == "withdraw" and lost.get("asn") == 64497, "the loss is recorded", got)
    t.ok((lost.get("cause"), lost.get("state")) == ("failed", "failed"), "as a failure", lost)
    t.ok(lost.get("clause") and lost.get("remedy") and lost.get("code", "").startswith("RPKI_"),
         "with code, clause and remedy", lost)
    t.ok("/kyoto/" in lost.get("ca", ""), "and the CA", lost)
    got = house.wait_for(lambda: [f for f in log(h, lost["ca"])["findings"]
                                  if f["code"] == "RPKI_MFT_STALE" and f["until"] is None])
    t.ok(got, "the finding holds from then on", log(h, lost["ca"])["findings"])
    f = got[0] if got else {}
    # A change is there before the findings of its run are: until then it has their code, not their values.
    t.ok(f.get("severity") == "REJECT" and house.wait_for(lambda: all(
        f.get(k) == changes(h, "198.51.100.0/24")[0][k] for k in ("clause", "text", "remedy"))),
        "with text, clause and remedy, as beside the change", (f, changes(h, "198.51.100.0/24")))
    out = house.run("rpki", "log", "-c", h.conf, lost["ca"])[1]
    t.ok(out.count(lost["remedy"]) > house.run("rpki", "log", "-c", h.conf, "198.51.100.0/24")[1].count(lost["remedy"]),
         "also for people", out)
    ways = {"covering": "198.51.100.128/25", "inside": "198.51.0.0/16", "host": "198.51.100.7"}
    for name, prefix in ways.items():
        t.ok(len(changes(h, prefix)) == 1, "found by a %s prefix" % name)
    t.ok(changes(h, "198.51.101.0/24") == [] and changes(h, "0.0.0.0/0") and changes(h, "::/0") == [],
         "and not by others")
    t.ok({c["kind"] for c in changes(h, "AS64497")} == {"vrp", "aspa"}, "AS number: VRP and ASPA")
    move(h)
    house.wait_for(lambda: len(changes(h, "AS64497")) == 4, 30)
    got = changes(h, "AS64497")
    t.ok([c["event"] for c in got] == ["announce"] * 2 + ["withdraw"] * 2, "it came back; newest first", got)
    got = house.wait_for(lambda: [f for f in log(h, lost["ca"])["findings"]
                                  if f["code"] == "RPKI_MFT_STALE" and f["until"]])
    t.ok(got, "the finding has ended")
    t.ok(len(changes(h, "AS64497", "--limit", "1")) == 1, "--limit")
    t.ok(changes(h, "--until", lost["time"]) == [] and len(changes(h, "--since", lost["time"])) == 4,
         "--since, --until")
    _, en, _ = house.run("rpki", "log", "-c", h.conf, "AS64497", "--lang", "en")
    _, ja, _ = house.run("rpki", "log", "-c", h.conf, "AS64497", "--lang", "ja")
    t.ok(en != ja and "理由" in ja and "why:" in en and "why:" not in ja, "in both languages", ja)
    diff(t, h, d)
    h.stop()
    t.ok(len(changes(h)) == 4, "it can be read when the daemon is gone")
    t.ok(house.run("rpki", "log", "--state", d)[0] == 3, "no history: 3")
    t.ok(house.run("rpki", "log", "--state", h.state, "nonsense")[0] == 2, "not understood: 2")


def diff(t, h, d):
    """Serials 1 and 3 are the same, 2 has lost kyoto."""
    def run(*args):
        code, out, err = house.run("rpki", "diff", "--state", h.state, *args)
        return code, json.loads(out) if "--json" in args else out + err

    t.ok(run("1", "3")[0] == 0, "equal: 0")
    code, got = run("1", "2", "--json")
    t.ok(code == 1 and [(x["asn"], x["prefix"]) for x in got["only_a"]] == [(64497, "198.51.100.0/24")]
         and got["only_a"][0]["state"] == "failed", "what is only in A, and why", got)
    x = got["aspas"][0]
    t.ok((x["customer"], x["a"], x["b"], x["cause"], x["state"]) == (64497, [64500], None, "gone-failed", "failed"),
         "the ASPA too", got)
    t.ok(run("1", "9")[0] == 3, "a serial that is not kept: 3")
    code, out = run("2", "current", "--nagios", "--crit", "2")
    t.ok(code == 2 and "only_b=1" in out, "--nagios: critical", out)
    t.ok(run("2", "current", "--nagios", "--warn", "9")[0] == 0, "--nagios: within the limit")
    with open(os.path.join(d, "peer.csv"), "w") as f:
        f.write("ASN,IP Prefix,Max Length,Trust Anchor\nAS64496,192.0.2.0/24,25,lab\n"
                "64496,2001:db8::/36,48,lab\nAS64499,203.0.113.0/24,,lab\n")
    out = os.path.join(d, "out.csv")
    code, got = run("current", os.path.join(d, "peer.csv"), "--json", "-o", "csv=" + out)
    t.ok([(x["max_length"], x["max_length_b"]) for x in got["max_length"]] == [(24, 25)],
         "only the max length differs", got)
    t.ok(got["equal"] == 1 and [x["asn"] for x in got["only_b"]] == [64499], "a peer's CSV", got)
    with open(out) as f:
        t.ok(sorted(line.split(",")[0] for line in f) == ["In", "a", "b", "max-length"], "-o csv=FILE")
    with open(os.path.join(d, "peer.json"), "w") as f:
        json.dump({"roas": [{"asn": 64496, "prefix": "192.0.2.0/24", "maxLength": 24, "ta": "x"}]}, f)
    t.ok(run(os.path.join(d, "peer.json"), "current", "--json")[1]["equal"] == 1, "a peer's JSON")
    with open(os.path.join(d, "bad.csv"), "w") as f:
        f.write("ASN,IP Prefix,Max Length\nAS64496,192.0.2.1/24,24\n")
    code, out = run(os.path.join(d, "bad.csv"), "current")
    t.ok(code == 3 and "2" in out, "a row that is none: 3, with its line", out)


def test_peer_causes(t, d):
    """One side is another validator's list: what each difference is, as far as we know."""
    h = started(d, conf="")
    with open(h.conf) as f:
        text = f.read()
    with open(h.conf, "w") as f:
        f.write(text.replace("rpki:\n", "rpki:\n  exceptions:\n"
                             "    - {action: assert, prefix: 203.0.113.0/24, asn: 64500, owner: noc, reason: r,"
                             " until: 2100-01-01}\n"
                             "    - {action: filter, prefix: 192.0.2.0/24, owner: noc, reason: wrong ROA,"
                             " until: 2100-01-01}\n"))
    move(h, STALE)
    t.ok(house.wait_for(lambda: changes(h, "198.51.100.0/24") and changes(h, "203.0.113.0/24"), 30),
         "kyoto is stale, an exception adds one and takes one")
    peer = os.path.join(d, "rpki-client.csv")
    with open(peer, "w") as f:
        f.write("ASN,IP Prefix,Max Length,Trust Anchor,Expires\n"
                "AS64497,198.51.100.0/24,24,house,4000000000\n"	# we lost it
                "AS64496,192.0.2.0/24,24,house,4000000000\n"		# we filter it
                "AS64499,192.0.2.9/32,32,house,4000000000\n"		# a filter takes what lies inside
                "AS64510,198.51.100.0/25,25,house,4000000000\n"	# we never saw it
                "AS64511,10.0.0.0/8,8,arin,4000000000\n")		# nor its trust anchor
    code, out, err = house.run("rpki", "diff", "-c", h.conf, "current", peer, "--json")
    got = json.loads(out)
    why = {"%d %s" % (x["asn"], x["prefix"]): x for x in got["only_a"] + got["only_b"]}
    t.equal({k: v["cause"] for k, v in why.items()}, {
        "64497 198.51.100.0/24": "gone-failed", "64496 192.0.2.0/24": "filtered",
        "64499 192.0.2.9/32": "filtered", "64510 198.51.100.0/25": "unknown",
        "64511 10.0.0.0/8": "no-ta", "64500 203.0.113.0/24": "local",
        "64496 2001:db8::/36": "good"}, "each difference has its cause")
    lost = why["64497 198.51.100.0/24"]
    t.ok(lost["code"] == "RPKI_MFT_STALE" and "/kyoto/" in lost["speaker"] and lost["time"],
         "with the code that says why, the CA and the time", lost)
    t.ok("noc: wrong ROA" in why["64496 192.0.2.0/24"]["who"], "which entry filters it", why)
    t.equal(why["64500 203.0.113.0/24"]["who"], "exception-noc", "whose exception adds it")
    # The same the other way round, and in words.
    _, out, _ = house.run("rpki", "diff", "-c", h.conf, peer, "current", "--json")
    back = json.loads(out)
    t.equal({"%d %s" % (x["asn"], x["prefix"]): x["cause"] for x in back["only_a"] + back["only_b"]},
            {k: v["cause"] for k, v in why.items()}, "the same when ours is B")
    for lang, words in (("en", "its CA failed at"), ("ja", "に失敗")):
        _, out, _ = house.run("rpki", "diff", "-c", h.conf, "current", peer, "--lang", lang)
        t.ok(any("198.51.100.0/24" in x and words in x and "RPKI_MFT_STALE" in x for x in out.split("\n")),
             "in words: " + lang, out)
    peer_json = os.path.join(d, "rpki-client.json")
    with open(peer_json, "w") as f:
        json.dump({"roas": [{"asn": 64497, "prefix": "198.51.100.0/24", "maxLength": 24, "ta": "house"}]}, f)
    _, out, _ = house.run("rpki", "diff", "-c", h.conf, "current", peer_json, "--json")
    t.equal(json.loads(out)["only_b"][0].get("cause"), "gone-failed", "a peer's JSON, too")
    # It comes back: what only ours has is new.
    move(h)
    house.wait_for(lambda: len(changes(h, "198.51.100.0/24")) == 2, 30)
    with open(peer, "w") as f:
        f.write("ASN,IP Prefix,Max Length,Trust Anchor,Expires\nAS64496,2001:db8::/36,48,house,4000000000\n")
    _, out, _ = house.run("rpki", "diff", "-c", h.conf, "current", peer, "--json")
    why = {x["prefix"]: x["cause"] for x in json.loads(out)["only_a"]}
    t.equal(why, {"198.51.100.0/24": "new", "203.0.113.0/24": "local"}, "what came since")
    h.stop()


def whole(h):
    """Is there one row for each serial, and does what they say add up?"""
    got = rows(h, "SELECT serial, kind, v4 + v6, came, went, aspas + keys FROM publication ORDER BY id")
    for a, b in zip(got, got[1:]):
        assert b[0] == a[0] + 1 and b[1] == 0, got
        assert a[2] + a[5] + b[3] - b[4] == b[2] + b[5], got
    n = rows(h, "SELECT count(*) FROM change")[0][0]
    assert n == sum(r[3] + r[4] for r in got), (n, got)
    assert rows(h, "PRAGMA integrity_check") == [("ok",)]
    return got


def test_kill(t, d):
    """The store dies at odd moments; at the end the record is what the snapshots say."""
    h = started(d)
    worst = None
    for i in range(6):
        move(h, *([STALE] if i % 2 == 0 else []))
        want = house.KYOTO_GONE if i % 2 == 0 else house.VRPS
        time.sleep(0.05 * i)
        h.kill_role("store")
        # What validate had sent to a store that was down is made again on demand.
        if not house.wait_for(lambda: h.vrps() == want or
                              house.run("reload", "-c", h.conf)[0] != 0, 40, 1):
            worst = (i, h.vrps(), h.log()[-2000:])
            break
    t.ok(worst is None, "six times killed while something changed", worst)
    serial = house.rtr_vrps(h.ports[0])[1]
    got = house.wait_for(lambda: whole(h)[-1][0] == serial and whole(h), 20)
    t.ok(got and len(got) >= 4, "each serial once, and the sums are right", rows(h, "SELECT * FROM publication"))
    t.ok(h.stop()[0] == 0 and os.path.getsize(os.path.join(h.state, "sekisho.db-wal")) == 0,
         "a good end leaves nothing in the -wal")
    with open(os.path.join(h.state, "sekisho.db"), "r+b") as f:
        f.write(b"this is no database" * 10)
    h.start()
    t.ok(house.wait_for(lambda: whole(h)[-1][0] == serial, 30), "a damaged file: set aside, made anew", h.log()[-1500:])
    t.ok(os.path.exists(os.path.join(h.state, "sekisho.db.damaged")), "and it is there to look at")
    t.ok(house.wait_for(lambda: h.vrps() == house.VRPS), "the data was served all the same")
    h.stop()


ORG = "organisation:\n  asns: [64497]\n  prefixes: [192.0.2.0/24]\n"


def check(h, *args):
    code, out, err = house.run("rpki", "check", "-c", h.conf, *args)
    return code, json.loads(out) if "--json" in args else out + err


def codes(h, *args):
    return {(f["code"], f["subject"]) for f in check(h, "--json", *args)[1]["findings"]}


def api(h, path):
    with urllib.request.urlopen("http://127.0.0.1:%d/api/v1/%s" % (h.ports[1], path), timeout=10) as r:
        return json.load(r)


def test_alarm(t, d):
    vrp = ("ALARM_LOST", "VRP AS64497 198.51.100.0/24-24")
    house.lab(d, rrdp=True)
    h = house.House(d, conf="alarm:\n  after: 0\n  expiry-warn: 1m\n", inputs="rrdp: world.xml")
    h.write_conf(top=ORG)
    h.start()
    house.wait_for(lambda: h.vrps() == house.VRPS and whole(h), 30)
    code, out = check(h, "--nagios")
    t.ok(code == 0 and out.startswith("RPKI OK"), "all is well", out)
    move(h, STALE)
    t.ok(house.wait_for(lambda: vrp in codes(h), 30), "what went by failure is an alarm", codes(h))
    code, out = check(h, "--nagios")
    t.ok(code == 2 and "alarms=2" in out, "critical: a VRP and an ASPA", out)
    t.ok(check(h)[0] == 1, "1 without --nagios")
    t.ok(house.wait_for(lambda: "alarm ALARM_LOST: %s" % vrp[1] in h.log()), "told in the log", h.log())
    said = [x for x in h.log().splitlines() if "alarm ALARM_LOST: " in x]
    t.ok(said and all(x.count(" is ours") == 1 and x.count(x.split("LOST: ")[1].split(" is ours")[0]) == 1 for x in said),
         "... which names the payload once", said)
    h.kill_role("store")
    time.sleep(1)
    house.wait_for(lambda: h.ready(), 20)
    move(h, STALE)
    time.sleep(2)
    t.equal(h.log().count("alarm ALARM_LOST: %s" % vrp[1]), 1, "once, also after a restart of the store")
    got = house.wait_for(lambda: [c for c in api(h, "history")["changes"] if not c["announce"]], 20)
    t.ok(got and {c["kind"] for c in got} == {"vrp", "aspa"} and got[0]["cause"] == "failed",
         "the page has what went of ours", got)
    t.ok(api(h, "history")["recorded"], "and the points of the record")
    move(h)
    t.ok(house.wait_for(lambda: vrp not in codes(h), 30), "it is back: no alarm", codes(h))
    t.ok(house.wait_for(lambda: "alarm over ALARM_LOST %s" % vrp[1] in h.log()), "and its end is told")
    t.ok(("ALARM_CHANGED", vrp[1]) in codes(h), "that it came is a note", codes(h))
    _, ja = check(h, "--lang", "ja")
    t.ok("お知らせ" in ja and "next:" not in ja, "in Japanese", ja)
    h.stop()
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 6 * 3600))
    got = codes(h, "--at", later)
    t.ok(("ALARM_DATA", "data") in got, "six hours later the data is old (--at)", got)
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 40 * 86400))
    got = {c for c, _ in codes(h, "--at", later)}
    t.ok("ALARM_EXPIRES" in got and "ALARM_CHANGED" not in got, "forty days later it has ended", got)
    t.ok(check(h, "--state", d)[0] == 3, "no state: 3")


SLURM = """{"slurmVersion": 2, "validationOutputFilters": {"prefixFilters": [{"prefix": "198.51.100.0/24"}],
"bgpsecFilters": [], "aspaFilters": [{"customerAsid": 64497}]},
"locallyAddedAssertions": {"prefixAssertions": [], "bgpsecAssertions": [], "aspaAssertions": []}}"""
EXCEPTION = """exceptions:
    - {action: filter, asn: 64496, owner: noc, reason: r, until: 2100-01-01}
    - {action: assert, prefix: 203.0.113.0/24, asn: 64500, owner: noc, reason: r, until: 2100-01-01}"""


def test_local(t, d):
    """What the operator's own filters do is not put down to a CA."""
    def now(subject, event, n):
        """The causes of its last n changes, when these are there."""
        got = changes(h, subject)[:n]
        return {c["event"] for c in got} == {event} and len(got) == n and [c.get("cause") for c in got]

    def have(inputs):
        h.inputs = inputs
        h.write_conf()
        code, _, err = house.run("reload", "-c", h.conf)
        assert code == 0, err
    h = started(d)
    with open(os.path.join(d, "x.slurm"), "w") as f:
        f.write(SLURM)
    have("rrdp: world.xml\n  slurm: x.slurm")
    got = house.wait_for(lambda: now("AS64497", "withdraw", 2), 30)
    t.equal(got, ["local"] * 2, "a SLURM file takes out a VRP and an ASPA: local, not signed")
    for lang, words in (("en", "a local filter (rpki.slurm or rpki.exceptions) takes it out."), ("ja", "除外しています")):
        _, out, _ = house.run("rpki", "log", "-c", h.conf, "--lang", lang, "AS64497")
        t.equal(out.count(words), 2, "in words: " + lang)
    have("rrdp: world.xml")
    got = house.wait_for(lambda: now("AS64497", "announce", 2), 30)
    t.equal(got, ["local"] * 2, "without the file they are back: local")
    have("rrdp: world.xml\n  " + EXCEPTION)
    got = house.wait_for(lambda: now("AS64496", "withdraw", 2), 30)
    t.equal(got, ["local"] * 2, "an exception takes out two")
    t.equal(now("AS64500", "announce", 1), ["local"], "and one adds a VRP")
    a, b = [c["serial"] for c in changes(h, "AS64496")][0] - 1, changes(h, "AS64496")[0]["serial"]
    have("rrdp: world.xml")
    got = house.wait_for(lambda: now("AS64496", "announce", 2), 30)
    t.equal(got, ["local"] * 2, "they are back")
    t.equal(now("AS64500", "withdraw", 1), ["local"], "the assertion has ended")
    _, out, _ = house.run("rpki", "diff", "-c", h.conf, str(a), str(b), "--json")
    t.equal({x["cause"] for x in json.loads(out)["only_a"]}, {"filtered"}, "rpki diff of those two says so, after its end")
    # What a CA really takes away stays its deed, beside a filter that takes out something else.
    have("rrdp: world.xml\n  " + EXCEPTION)
    t.ok(house.wait_for(lambda: now("AS64496", "withdraw", 2), 30), "the exceptions are there again")
    house.lab(d, world=house.WORLD.replace("\t\troa AS64497 198.51.100.0/24 name kyoto-v4\n", ""), rrdp=True)
    assert house.run("reload", "-c", h.conf)[0] == 0
    got = house.wait_for(lambda: now("198.51.100.0/24", "withdraw", 1), 30)
    t.equal(got, ["signed"], "a ROA that its CA took away: signed")
    h.stop()


sys.exit(house.cases(test_log, test_local, test_peer_causes, test_alarm, test_kill))
