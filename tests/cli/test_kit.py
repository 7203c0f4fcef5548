#!/usr/bin/env python3
"""The router kit: what config prints lints clean for each vendor and policy;
what lint says of the files of tests/corpus/kit stands in their heads; hostile
words and files do no harm."""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

SRC = os.environ.get("SEKISHO_SRC") or os.path.normpath(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("SEKISHO_BUILD") or os.path.join(SRC, "build")
sys.path.insert(0, os.path.join(SRC, "tests", "peer"))
from tap import Tap  # noqa: E402

tap = Tap()
SEKISHO = os.path.join(BUILD, "sekisho")
VENDORS = ("ios-xr", "junos", "eos", "sros-md", "sros", "frr", "bird", "openbgpd")
ASCII = ("ios-xr", "junos", "eos", "sros", "sros-md")
CACHES = ["--cache", "192.0.2.1", "--cache", "[2001:db8::1]:8283"]
PEERS = ["--peer", "198.51.100.1=64497", "--peer", "2001:db8::9=64498"]


def run(*words, conf=None):
    # An organisation's own configuration must not decide what is tested.
    return subprocess.run([SEKISHO, *words] + (["-c", conf] if conf else []), capture_output=True, text=True,
                          timeout=60, env={**os.environ, "LANG": "C", "LC_ALL": "C"})


def config(vendor, *words, lang="en"):
    return run("rtr", "config", "--vendor", vendor, "--asn", "64496", "--lang", lang, *words)


def lint(vendor, path, *words):
    r = run("rtr", "lint", "--vendor", vendor, "--json", *words, path)
    return r.returncode, json.loads(r.stdout)


def codes(answer, *severities):
    return {f["code"] for f in answer["findings"] if not severities or f["severity"] in severities}


def case_round_trip(folder):
    path = os.path.join(folder, "conf")
    for vendor in VENDORS:
        for policy in ("observe", "prefer", "drop"):
            for peers in ([], PEERS):
                for lang in ("en", "ja"):
                    r = config(vendor, *CACHES, *peers, "--policy", policy, lang=lang)
                    with open(path, "w") as f:
                        f.write(r.stdout)
                    rc, answer = lint(vendor, path)
                    n = len(peers) // 2
                    good = (r.returncode, rc, answer["good"], answer["caches"], answer["not_understood"]) == \
                        (0, 0, True, 2, 0) and (answer["external_sessions"], answer["covered"]) == (n, n)
                    good &= ("KIT_INVALID_ACCEPTED_SAME_PREFERENCE" in codes(answer)) == \
                        (policy == "observe" and n > 0)
                    tap.ok(good, "%s, %s, %d sessions, %s: lints clean" % (vendor, policy, n, lang), answer)


def case_corpus():
    paths = sorted(glob.glob(os.path.join(SRC, "tests", "corpus", "kit", "*.conf")))
    tap.ok(len(paths) >= 15, "the corpus is there")
    seen = set()
    for path in paths:
        name = os.path.basename(path)
        with open(path) as f:
            head = dict(re.findall(r"^[!#] (\w+): (.*)$", f.read(), re.M))
        vendor = head.get("vendor") or next(v for v in VENDORS if name.startswith(v))
        rc, answer = lint(vendor, path)
        seen |= codes(answer)
        tap.equal(codes(answer), set(head["expect"].split()), name)
        tap.equal("%d of %d" % (answer["covered"], answer["external_sessions"]), head["covered"],
                  name + ": the share that is covered")
        tap.equal(rc, 1 if codes(answer, "WARN", "REJECT") else 0, name + ": exit status")
        lines = [f["args"]["line"] for f in answer["findings"] if "line" in f["args"]]
        with open(path) as f:
            n = len(f.readlines())
        tap.ok(all(1 <= line <= n for line in lines), name + ": lines are lines of the file", lines)
    tap.none(sorted({"KIT_NO_CACHE", "KIT_ONE_CACHE", "KIT_PLAIN_TCP", "KIT_EXPIRE_SHORT", "KIT_EXPIRE_VENDOR",
                     "KIT_REFRESH_LONG", "KIT_TIMER_ORDER", "KIT_TIMER_RANGE", "KIT_POLICY_MISSING",
                     "KIT_POLICY_PARTIAL", "KIT_INVALID_ACCEPTED_SAME_PREFERENCE", "KIT_POLICY_UNSURE",
                     "KIT_IBGP_POLICY", "KIT_VALIDATION_OFF", "KIT_NO_ADJ_RIB_IN", "KIT_UNREAD",
                     "KIT_NOTHING_READ"} - seen), "each finding is tripped")


def case_lines(folder):
    """A finding names the line of what it is about."""
    rc, answer = lint("frr", os.path.join(SRC, "tests", "corpus", "kit", "frr-timers.conf"))
    at = {f["code"]: f["args"].get("line") for f in answer["findings"]}
    tap.equal((at["KIT_REFRESH_LONG"], at["KIT_EXPIRE_SHORT"]), (4, 6), "lines of timers")
    rc, answer = lint("frr", os.path.join(SRC, "tests", "corpus", "kit", "frr-timers.conf"), "--outage", "600")
    tap.ok("KIT_EXPIRE_SHORT" not in codes(answer), "--outage decides what is short")


def case_hostile(folder):
    bad = [["--cache", "192.0.2.1; drop"], ["--cache", "192.0.2.1\nrouter bgp 1"], ["--cache", "cache.example"],
           ["--cache", "192.0.2.1:0"], ["--cache", "192.0.2.1:65536"], ["--cache", "[2001:db8::1"],
           ["--cache", "192.0.2.0/24"], ["--cache", ""], ["--cache", "192.0.2.1", "--cache", "192.0.2.1:99"],
           [*CACHES, "--peer", "192.0.2.9"], [*CACHES, "--peer", "192.0.2.9=0"],
           [*CACHES, "--peer", "192.0.2.9=64496"], [*CACHES, "--router-id", "2001:db8::1"],
           [*CACHES, "--router-id", "1.2.3.4; x"], [*CACHES, "--policy", "accept"],
           [*CACHES, "--transport", "udp"], [*CACHES, "too much"], []]
    for word in ("a b", 'a"b', "a;b", "a}b", "a\nb", "$(id)", "`id`", "-x", "", "x" * 129, "é", "a@b", "a!b", "a#b"):
        bad += [[*CACHES, "--transport", "ssh", "--ssh-user", word]]
    for words in bad:
        r = config("bird", *words)
        tap.ok(r.returncode == 2 and r.stdout == "" and len(r.stderr.splitlines()) == 1,
               "refused: %r" % words[-1:], r.stdout + r.stderr)
    tap.equal(config("junos", *CACHES, "--transport", "ssh").returncode, 2, "no ssh where the vendor has none")
    tap.equal(run("rtr", "config", *CACHES, "--asn", "1").returncode, 2, "no vendor")
    tap.equal(config("vyos", *CACHES).returncode, 2, "an unknown vendor")


def case_files(folder):
    path = os.path.join(folder, "hostile")
    texts = {"empty": b"", "zeros": bytes(4096), "deep": b"a {" * 5000, "quote": b'neighbor "', "long": b"x " * 500000,
             "half": b"protocol bgp", "if": b"filter f { " + b"if a then " * 5000,
             "cycle": b"route-policy a\n apply a\n apply a\n apply a\nend-policy\nrouter bgp 1\n neighbor 192.0.2.1\n"
                      b"  remote-as 2\n  route-policy a in\n",
             "calls": b"".join(b"route-map m%d permit 10\n call m%d\nroute-map m%d permit 20\n call m%d\n"
                               % (i, i + 1, i, i + 1) for i in range(40)) +
                      b"router bgp 1\n neighbor 192.0.2.1 remote-as 2\n neighbor 192.0.2.1 route-map m0 in\n",
             "sessions": b"router bgp 1\n" + b"".join(b" neighbor 10.%d.%d.1 remote-as 2\n" % (i >> 8, i & 255)
                                                      for i in range(9000)),
             "binary": bytes(range(256)) * 64}
    for name, text in texts.items():
        with open(path, "wb") as f:
            f.write(text)
        for vendor in VENDORS:
            r = run("rtr", "lint", "--vendor", vendor, "--json", path)
            tap.ok(r.returncode in (0, 1) and json.loads(r.stdout)["vendor"] == vendor,
                   "%s, %s" % (vendor, name), r.stderr)
    with open(path, "wb") as f:
        f.write(texts["sessions"])
    tap.ok("KIT_TOO_LARGE" in codes(lint("frr", path)[1]), "too many sessions are said")
    with open(path, "wb") as f:
        f.write(texts["deep"])
    tap.ok("KIT_TOO_LARGE" in codes(lint("junos", path)[1]), "too deep sections are said")
    with open(path, "wb") as f:
        f.truncate(16 * 1024 * 1024 + 1)
    tap.equal(run("rtr", "lint", "--vendor", "frr", path).returncode, 3, "too large a file")
    tap.equal(run("rtr", "lint", "--vendor", "frr", path + ".no").returncode, 3, "no file")
    tap.equal(run("rtr", "lint", "--vendor", "frr").returncode, 2, "no word")


def case_config(folder):
    conf = os.path.join(folder, "sekisho.conf")
    with open(conf, "w") as f:
        f.write("organisation:\n  asns: [AS64500]\nrtr:\n  refresh: 15m\n  retry: 5m\n  expire: 1d\n")
    r = run("rtr", "config", "--vendor", "frr", *CACHES, conf=conf)
    tap.ok(all(w in r.stdout for w in ("router bgp 64500", "polling_period 900", "retry_interval 300",
                                       "expire_interval 86400")), "timers and AS number of sekisho.conf", r.stdout)
    r = run("rtr", "config", "--vendor", "ios-xr", "--json", *CACHES, conf=conf)
    answer = json.loads(r.stdout)
    sec = {t["name"]: t["seconds"] for t in answer["timers"]}
    tap.equal(sec, {"refresh-time": 900, "response-time": 300, "purge-time": 360}, "a vendor's bounds hold")
    tap.ok(all(t["reason"] for t in answer["timers"]) and len(answer["checks"]) >= 3 and
           answer["loaded_in_tests"] is False, "JSON has reasons and checks")
    r = config("bird", "--cache", "192.0.2.1")
    tap.ok(r.returncode == 0 and len(r.stderr.splitlines()) == 1, "one cache is warned of", r.stderr)
    with open(os.path.join(folder, "one"), "w") as f:
        f.write(r.stdout)
    tap.ok("KIT_ONE_CACHE" in codes(lint("bird", os.path.join(folder, "one"))[1]), "and found by lint")
    for vendor in VENDORS:
        one, two = (json.loads(config(vendor, "--json", *c).stdout) for c in (CACHES[:2], CACHES))
        differ = [set(a["notes"]) - set(b["notes"]) for a, b in ((one, two), (two, one))]
        tap.equal([len(x) for x in differ], [1, 1], "%s: what is said of one cache is not said of two" % vendor)
    for vendor in VENDORS:
        r = config(vendor, *CACHES, *PEERS, lang="ja")
        tap.equal(r.stdout.isascii(), vendor in ASCII, "%s: Japanese only where it is safe" % vendor)
        tap.equal(bool(r.stderr) and not r.stderr.isascii(), vendor in ASCII, "%s: or beside it" % vendor)


def case_nagios(folder):
    corpus = os.path.join(SRC, "tests", "corpus", "kit")
    for name, vendor, rc, word in (("junos-set.conf", "junos", 1, "WARNING"), ("bird-case.conf", "bird", 0, "OK"),
                                   ("other-text.conf", "frr", 2, "CRITICAL"), ("none", "frr", 3, "UNKNOWN")):
        r = run("rtr", "lint", "--vendor", vendor, "--nagios", os.path.join(corpus, name))
        tap.ok(r.returncode == rc and r.stdout.startswith("KIT " + word) and len(r.stdout.splitlines()) == 1,
               "--nagios: " + word, r.stdout)


def main():
    with tempfile.TemporaryDirectory(prefix="sekisho-kit-") as folder:
        for case in (case_round_trip, case_lines, case_hostile, case_files, case_config, case_nagios):
            tap.case(case, folder)
    tap.case(case_corpus)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
