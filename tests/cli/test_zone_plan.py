#!/usr/bin/env python3
"""sekisho zone plan and whatif: when is a step safe, what comes when, and what is said of it."""

import csv
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import xml.parsers.expat

SRC = os.environ.get("SEKISHO_SRC") or os.path.normpath(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("SEKISHO_BUILD") or os.path.join(SRC, "build")
sys.path.insert(0, os.path.join(SRC, "tests", "peer"))
from tap import Tap  # noqa: E402

SEKISHO = os.path.join(BUILD, "sekisho")
T0 = "2026-11-22T00:00:00Z"
NOW = 1795305600
ZONE = """$ORIGIN example.jp.
$TTL 3600
@ SOA ns1 host 2026112200 7200 3600 1209600 600
 NS ns1
ns1 A 192.0.2.1
www 86400 A 192.0.2.80
"""
# Two keys with one tag; the second took over in the DS set at 1000000.
SHARED = """key ksk7-a 13
key ksk7-b 13
skew 0
ds one ksk7-a
ds two ksk7-b
serve one 0 1000000 86400
serve two 1000000 never 86400
dnskey both keys ksk7-a ksk7-b sigs ksk7-a:0:never ksk7-b:0:never
serve both 0 never 3600
data all any sigs ksk7-b:0:never
serve all 0 never 3600
secure 0 never
"""


def run(*argv, at=T0):
    p = subprocess.run([SEKISHO, "zone", *argv, "--at", at], stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
                       env={"LANG": "C.UTF-8", "PATH": os.environ["PATH"]})
    return p.returncode, p.stdout, p.stderr


def codes(answer, key):
    return [f["code"] for f in answer[key]]


class Zone:
    """A signed zone, and the DS of its KSK."""

    def __init__(self, where, *sign):
        self.dir = where
        self.file = os.path.join(where, "example.jp.zone")
        with open(self.file, "w") as f:
            f.write(ZONE)
        rc, _, err = run("sign", self.file, "-K", where, "--generate", "13", *sign)
        assert rc == 0, err
        self.signed = self.file + ".signed"
        # The key file vouches by its DS: the plan of a person's hand-over prints it.
        out = self.plan("--no-ds", "--roll", "csk" if "--csk" in sign else "ksk")
        key = [k for k in out["keys"] if k["exists"] and "ds" in k][0]
        self.tag, self.ds = key["tag"], key["ds"]
        self.zsk = [k["tag"] for k in out["keys"] if k["exists"] and k["role"] == "zsk"]

    def plan(self, *argv, want=None):
        rc, out, err = run("plan", self.signed, "--json", *argv)
        assert want is None or rc == want, (rc, err)
        return json.loads(out)

    def whatif(self, *steps, more=()):
        argv = [a for s in steps for a in ("--step", s)]
        rc, out, err = run("whatif", self.signed, "--ds", self.ds, "--propagation", "0", "--json", *argv, *more)
        return rc, json.loads(out) if out else err


def shared_tags(t, where):
    path = os.path.join(where, "shared.txt")
    with open(path, "w") as f:
        f.write(SHARED)

    def ask(step, *more, at="@1000100"):
        return run("whatif", "--history", path, "--step", step, *more, at=at)

    rc, _, err = ask("remove the old DS now")
    t.ok(rc == 2 and "ksk7-a" in err and "ksk7-b" in err, "a DS that is not named, of two keys, is asked back", err)
    rc, _, err = ask("withdraw key 7")
    t.ok(rc == 2 and "ksk7-a" in err and "ksk7-b" in err, "a tag that two keys have is asked back", err)
    rc, out, _ = ask("withdraw key ksk7-a", "--json")
    a = json.loads(out)
    # The DS of the old key leaves the last cache at 1000000 + 86400.
    t.ok(rc == 1 and not a["safe"] and a["earliest"] == 1086400, "the earliest time is exact", out[:300])
    t.ok("ROLL_BOGUS_KEYS" in codes(a, "story") and "ROLL_NO_COMMON_KEY" in codes(a, "story"), "and says why", out)
    rc, out, _ = ask("withdraw key ksk7-a", "--when", "@1086400")
    t.ok(rc == 0 and "SAFE at 1970-01-13T13:46:40Z" in out, "at that time it is safe", out)
    rc, out, _ = ask("withdraw key ksk7-a", "--when", "@1086399", "-q")
    t.ok(rc == 1 and "NOT SAFE" in out, "a second earlier it is not", out)
    rc, out, _ = ask("withdraw key ksk7-a", "--when", "earliest", "--json")
    t.ok(rc == 0 and "ROLL_TAKEN_AT" in codes(json.loads(out), "why_not_earlier"), "--when earliest", out[:300])
    rc, out, _ = ask("withdraw key ksk7-a", "--nagios")
    t.ok(rc == 2 and out.startswith("ZONE CRITICAL - ") and "wait=86300s" in out, "--nagios: not yet", out)
    rc, out, _ = ask("withdraw key ksk7-a", "--nagios", "--when", "earliest")
    t.ok(rc == 2 and "wait=86300s" in out, "--nagios: a safe time to come is not now", out)
    rc, out, _ = ask("remove ds ksk7-a", "--nagios")
    t.ok(rc == 0 and out.startswith("ZONE OK - "), "--nagios: what is not there may go", out)
    rc, out, _ = ask("withdraw key 9", "--nagios")
    t.ok(rc == 3 and out.startswith("ZONE UNKNOWN - "), "--nagios: no such key", out)
    with open(path, "a") as f:
        f.write("serve nobody 0 1 2\n")
    rc, _, err = ask("unsign")
    t.ok(rc == 2 and "ROLL_TEXT" in err, "a history that is none", err)


def steps(t, z):
    rc, a = z.whatif("remove ds %d" % z.tag)
    t.ok(rc == 1 and a["intervals"][0]["kind"] == "INSECURE" and a["earliest"] is None, "the last DS away", str(a)[:300])
    rc, a = z.whatif("remove ds all", "allow insecure")
    t.ok(rc == 0 and a["safe"], "on purpose", str(a)[:300])
    rc, a = z.whatif("remove ds all", "unsign after 1d")
    t.ok(rc == 0, "then the signatures, when no cache has the DS", str(a)[:300])
    rc, a = z.whatif("remove ds all", "unsign after 86399")
    t.ok(rc == 1 and a["intervals"][0]["from"] == NOW + 86399, "a second too early", str(a)[:300])
    rc, a = z.whatif("remove ds all", "unsign after 1d", more=("--propagation", "1"))
    t.ok(rc == 1, "a server that is a second late", str(a)[:300])
    rc, a = z.whatif("remove ds %d" % z.tag, more=("--ds", "%d 13 2 %s" % (z.tag, "00" * 32)))
    t.ok(rc == 2 and "ksk%d-" % z.tag in a and "ds%d-" % z.tag in a, "a DS of another key with this tag: which?", str(a))
    rc, a = z.whatif("withdraw key %d" % z.zsk[0])
    t.ok(rc == 1 and a["intervals"][0]["kind"] == "BOGUS_DATA" and "ROLL_KEY_MISSING" in codes(a, "story"),
         "the key of the data away", str(a)[:300])
    rc, a = z.whatif("publish key new 13", "sign keys with new", "publish ds new after 1h", "remove ds %d after 1h" % z.tag)
    t.ok(rc == 0, "a KSK rolled by hand, waiting", str(a)[:300])
    rc, a = z.whatif("publish key new 13", "sign keys with new", "publish ds new after 3599", "remove ds %d after 3599" % z.tag)
    t.ok(rc == 1, "a second too early", str(a)[:300])
    rc, a = z.whatif("publish ds 1 8 2 " + "00" * 32)
    t.ok(rc == 1 and a["intervals"][0]["kind"] == "BOGUS_KEYS", "a DS of an algorithm that the zone has not", str(a)[:300])
    rc, a = z.whatif("publish ds 1 8 2 " + "00" * 32, more=("--lax",))
    t.ok(rc == 0, "who is lax does not mind", str(a)[:300])
    rc, a = z.whatif("allow insecure", more=("--signatures-end",))
    t.ok(rc == 1 and not a["good_without_the_step"], "signatures that end", str(a)[:300])
    rc, a = z.whatif("have a look at the DS")
    t.ok(rc == 2, "a step that is none", a)
    rc, a = z.whatif(" ")
    t.ok(rc == 2, "a step without words", a)
    rc, a = z.whatif("remove the old DS now")
    t.ok(rc == 1 and "ROLL_INSECURE" in codes(a, "story"), "the only DS needs no tag", str(a)[:300])
    rc, _, err = run("whatif", os.devnull, "--no-ds", "--step", "unsign")
    t.ok(rc == 1 and "SOA" in err, "an empty file is no zone", err)
    rc, _, err = run("whatif", z.signed, "--step", "unsign")
    t.ok(rc == 2 and "--no-ds" in err, "the parent's side has to be told", err)
    rc, out, _ = run("whatif", z.signed, "--ds", z.ds, "--step", "remove ds all", "--lang", "ja")
    t.ok(rc == 1 and "安全ではありません" in out and "What" not in out, "in Japanese, all of it", out)


def well_formed(path):
    x = xml.parsers.expat.ParserCreate()
    names = []
    x.StartElementHandler = lambda n, a: names.append(n)
    with open(path, "rb") as f:
        x.Parse(f.read(), True)
    return names


def uids(path):
    with open(path, newline="") as f:
        return re.findall(r"^UID:(.*)\r$", f.read(), re.M)


def plans(t, z):
    out = [os.path.join(z.dir, "plan." + e) for e in ("svg", "ics", "csv", "txt")]
    files = ["-osvg=" + out[0], "-oical=" + out[1], "-ocsv=" + out[2], "-ohistory=" + out[3]]
    a = z.plan("--ds", z.ds, "--roll", "ksk", *files, want=0)
    e = [(x["action"], x["at"] - NOW) for x in a["events"]]
    # DNSKEY TTL and an hour, five minutes for servers; DS: a day for the registry, an hour; TTL and an hour.
    t.ok(e == [("generate", 0), ("backup", 0), ("dnskey-publish", 0), ("cds", 7500), ("notify", 7500),
               ("ds-arrived", 97500), ("dnskey-withdraw", 187500)], "a KSK roll", str(e))
    t.ok(a["proven"] and a["finished"] and a["stuck"] is None, "is proven", str(a["proof"]))
    t.ok("svg" in well_formed(out[0]) and "script" not in well_formed(out[0]), "the picture is XML")
    first = uids(out[1])
    t.ok(len(first) == 7 == len(set(first)), "an event each, with its own UID", str(first))
    with open(out[2]) as f:
        rows = list(csv.DictReader(io.StringIO(f.read())))
    t.ok([r["action"] for r in rows] == [x for x, _ in e], "the table", str(rows[:2]))
    rc, _, _ = run("plan", z.signed, "--ds", z.ds, "--roll", "ksk", *files[1:2], at="2026-11-25T00:00:00Z")
    t.ok(rc == 0 and uids(out[1]) == first, "the same events have the same UIDs in a later plan")
    again = os.path.join(z.dir, "turned.zone")	# the same zone, its DNSKEY records the other way round
    with open(z.signed) as f, open(again, "w") as g:
        lines = f.readlines()
        keys = [x for x in lines if "\tDNSKEY\t" in x]
        g.writelines([x for x in lines if x not in keys] + keys[::-1])
    rc, _, err = run("plan", again, "--ds", z.ds, "--roll", "ksk", *files[1:2])
    t.ok(len(keys) > 1 and rc == 0 and uids(out[1]) == first, "nor do they depend on the order of the keys", err)
    rc, _, _ = run("plan", z.signed, "--ds", z.ds, "--until", "2030-01-01T00:00:00Z", "--policy-option", "zsk_lifetime=30d", *files[:2])
    with open(out[0]) as f:
        text = f.read()
    more = re.search(r"… and (\d+) more events", text)
    t.ok(rc == 0 and more and int(more[1]) == len(uids(out[1])) - 60, "a long picture says what it leaves out", text[-600:])
    rc, o, _ = run("whatif", "--history", out[3], "--step", "withdraw key k2", "--when", "@%d" % (NOW + 97500), "--json")
    # The engine waits an hour more than the proof needs: retire-safety.
    t.ok(rc == 1 and json.loads(o)["earliest"] == NOW + 187500 - 3600, "whatif goes on from the plan", o[:300])

    for roll, last in (("zsk", "dnskey-withdraw"), ("algorithm=ED25519", "delete"), ("insecure", "sign-stop"),
                       ("emergency=%d" % z.tag, "dnskey-withdraw")):
        a = z.plan("--ds", z.ds, "--roll", roll, want=0)
        t.ok(a["proven"] and a["finished"] and a["events"][-1]["action"] == last, "--roll " + roll,
             str([x["action"] for x in a["events"]]))
    rc, o, err = run("plan", z.file, "--no-ds", "--roll", "secure", "--policy-option", "ds-handover=person")
    t.ok(rc == 0 and "a person    enters this DS set at the registrar: k1" in o, "--roll secure, by a person", o + err)
    rc, o, _ = run("plan", z.signed, "--ds", z.ds, "--until", "2027-06-01T00:00:00Z", "--policy-option", "ksk_lifetime=100d")
    t.ok(rc == 0 and o.count("makes the key") == 3, "lifetimes: two ZSKs and a KSK until June", o)
    a = z.plan("--ds", z.ds, "--roll", "ksk", "--until", "2026-11-23T00:00:00Z", want=0)
    t.ok(not a["finished"] and a["end"] == NOW + 86400 and a["events"][-1]["action"] == "notify", "--until", str(a["events"]))
    rc, o, _ = run("plan", z.signed, "--ds", z.ds, "--roll", "ksk", "--lang", "ja")
    t.ok(rc == 0 and "証明済み" in o and " the " not in o, "in Japanese, all of it", o)


def refused(t, z):
    for why, argv in (
            ("no such role here", ("--roll", "csk")),
            ("no such roll", ("--roll", "everything")),
            ("no such algorithm", ("--roll", "algorithm=RSAMD5")),
            ("no such key", ("--roll", "emergency=x")),
            ("no such option", ("--policy-option", "speed=1")),
            ("no such value", ("--policy-option", "ds-handover=dove")),
            ("no such output", ("-o", "png=x")),
            ("an end in the past", ("--until", "2020-01-01T00:00:00Z")),
            ("both DS and none", ("--no-ds",))):
        rc, _, err = run("plan", z.signed, "--ds", z.ds, *argv)
        t.ok(rc == 2 and argv[0] in err.replace("-o ", "-o "), "refused: " + why, "%d %s" % (rc, err))
    rc, _, err = run("plan", "--keystate", z.signed)
    t.ok(rc == 3 and "line 1" in err, "refused: no key state", err)
    rc, _, err = run("plan", z.signed, "--ds", z.ds, "-o", "svg=" + os.path.join(z.dir, "no", "where.svg"))
    t.ok(rc == 3 and "where.svg" in err, "a file that cannot be written", err)


def states(t):
    """Key state files: the seeds of their fuzzer."""
    seeds = os.path.join(SRC, "tests", "fuzz", "corpus", "keystate")

    def plan(name, *argv):
        rc, out, _ = run("plan", "--keystate", os.path.join(seeds, name), "--zone", "example.jp", "--json",
                         "--policy-option", "keys=split", *argv, at="@1800300000")
        return rc, json.loads(out)

    rc, a = plan("secure", "--roll", "ksk", "--policy-option", "ds-handover=person",
                 "--policy-option", "ksk-roll=double-ds", "--policy-option", "cds=never")
    e = [(x["action"], x["ds"]) for x in a["events"] if x["ds"]]
    t.ok(rc == 0 and a["proven"] and e == [("ds-enter", ["k1", "k3"]), ("ds-arrived", ["k1", "k3"]),
                                           ("ds-enter", ["k3"]), ("ds-arrived", ["k3"])], "double-DS from a state", str(e))
    rc, a = plan("two-rolls", "--until", "@1801000000")
    t.ok(rc == 0 and [x["key"] for x in a["events"] if x["action"] == "dnskey-withdraw"] == ["k2", "k1"],
         "rolls that are under way go on", str(a["events"]))
    rc, a = plan("edited")
    t.ok(rc == 1 and not a["proven"] and a["stuck"], "an edited state proves nothing", str(a["stuck"]))


def main():
    t = Tap()
    with tempfile.TemporaryDirectory(prefix="sekisho-plan-") as where:
        shared_tags(t, where)
        states(t)
        z = Zone(where)
        steps(t, z)
        plans(t, z)
        refused(t, z)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
