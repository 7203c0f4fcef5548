#!/usr/bin/env python3
"""SLURM and exports beside others: FORT and StayRTR apply the same file and
come to the same VRPs; bgpd takes our sets."""
import json
import os
import re
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import peers
from rtrserver import Process, free_port, many_roas, wait_for, world
from tap import Tap

LAB = """
ta house {
	resources 192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 AS64496-AS64511
	ca edo {
		resources 192.0.2.0/24 2001:db8::/36 AS64496
		roa AS64496 192.0.2.0/24 name edo-v4
		roa AS64497 192.0.2.128/25-26 name edo-v4-half
		roa AS64496 2001:db8::/36-48 name edo-v6
	}
	ca kyoto {
		resources 198.51.100.0/24 203.0.113.0/24 AS64497
		roa AS64497 198.51.100.0/24 name kyoto-v4
		roa AS64498 203.0.113.0/24 name kyoto-other
		roa AS64497 203.0.113.0/25-27 name kyoto-third
	}
}
"""


def slurm(filters=(), assertions=(), **more):
    return {"slurmVersion": 1,
            "validationOutputFilters": {"prefixFilters": list(filters), "bgpsecFilters": []},
            "locallyAddedAssertions": {"prefixAssertions": list(assertions), "bgpsecAssertions": []}, **more}


def a(asn, prefix, max_len=None):
    return {"asn": asn, "prefix": prefix, **({} if max_len is None else {"maxPrefixLength": max_len})}


# name: a file that all of us must understand alike
FILES = {
    "nothing": slurm(),
    "by prefix": slurm([{"prefix": "192.0.2.0/24"}]),
    "by a longer prefix": slurm([{"prefix": "192.0.2.128/25"}]),
    "by a prefix that nothing is inside of": slurm([{"prefix": "192.0.2.0/25"}]),
    "by origin": slurm([{"asn": 64497}]),
    "by both": slurm([{"asn": 64497, "prefix": "203.0.113.0/24"}]),
    "everything of IPv4": slurm([{"prefix": "0.0.0.0/0", "comment": "x"}]),
    "everything of IPv6": slurm([{"prefix": "::/0"}]),
    "an assertion": slurm([], [a(64499, "192.0.2.0/26", 28), a(64499, "2001:db8:8000::/33")]),
    "an assertion of what is there": slurm([], [a(64496, "192.0.2.0/24")]),
    "AS 0": slurm([], [a(0, "203.0.113.128/25", 32)]),
    "no filter touches an assertion": slurm([{"prefix": "192.0.2.0/24"}, {"asn": 64499}],
                                            [a(64499, "192.0.2.0/24")]),
    "upper case": slurm([{"prefix": "2001:DB8::/32"}], [a(64499, "2001:DB8:F::/48")]),
}
# name: a file that nobody may use (section 3.1). StayRTR is lenient and not asked.
BROKEN = {
    "an unknown member of the file": slurm([{"asn": 64497}], comment="x"),
    "an unknown member of an entry": slurm([{"asn": 64497, "maxLength": 24}]),
    "a filter of nothing": slurm([{"asn": 64497}, {"comment": "x"}]),
    "an AS number as text": slurm([{"asn": 64497}, {"asn": "64498"}]),
    "bits behind the prefix": slurm([{"asn": 64497}, {"prefix": "192.0.2.1/24"}]),
    "a maximum below the prefix": slurm([{"asn": 64497}], [a(64499, "192.0.2.0/24", 23)]),
    "an assertion without origin": slurm([{"asn": 64497}], [{"prefix": "192.0.2.0/24"}]),
    "version 3": dict(slurm([{"asn": 64497}]), slurmVersion=3),
}

tap = Tap()


def write(path, value):
    with open(path, "w") as f:
        json.dump(value, f)
    return path


def make_world(folder):
    with open(os.path.join(folder, "w.lab"), "w") as f:
        f.write(LAB)
    tree, tal = os.path.join(folder, "tree"), os.path.join(folder, "house.tal")
    r = peers.run([peers.sekisho(), "lab", "rpki", os.path.join(folder, "w.lab"), "-q", "--seed", "7",
                   "--tal", tal, "-o", tree])
    if r.status != 0:
        raise RuntimeError(r.err)
    return tree, tal


def ours(tree, tal, folder, path=None):
    """(exit status, VRPs or None)"""
    out = os.path.join(folder, "ours.csv")
    if os.path.exists(out):
        os.unlink(out)
    r = peers.run([peers.sekisho(), "rpki", "validate", "--no-progress", "--tree", tree, "--tal", tal,
                   "-o", "csv=" + out] + (["--slurm", path] if path else []))
    return r.status, peers.vrps_csv(out) if os.path.exists(out) else None


def fort(cache, tal, folder, path):
    """FORT with one more option, offline; its VRPs."""
    out = os.path.join(folder, "fort.csv")
    if os.path.exists(out):
        os.unlink(out)
    r = peers.run([peers.find("fort"), "--mode=standalone", "--work-offline=true", "--tal=" + tal,
                   "--local-repository=" + cache, "--output.roa=" + out, "--output.format=csv",
                   "--log.output=console", "--log.level=error", "--slurm=" + path], env=peers.env_utc())
    return r, peers.vrps_csv(out) if os.path.exists(out) else set()


def case_fort():
    if peers.missing("fort"):
        tap.skip("FORT", "fort is not installed")
        return
    with tempfile.TemporaryDirectory(prefix="sekisho-peer-") as folder:
        tree, tal = make_world(folder)
        cache = os.path.join(folder, "cache")
        peers.fort_layout(tree, [tal], cache)
        path = os.path.join(folder, "x.slurm")
        _, bare = ours(tree, tal, folder)
        tap.equal(len(bare), 6, "the world has six VRPs")
        for name, text in FILES.items():
            write(path, text)
            r, theirs = fort(cache, tal, folder, path)
            status, got = ours(tree, tal, folder, path)
            tap.ok(status == 0 and got == theirs and got, "FORT and we: " + name,
                   "ours %s, theirs %s, %s" % (sorted(got or ()), sorted(theirs), r.err[-300:]))
        for name, text in BROKEN.items():
            write(path, text)
            r, theirs = fort(cache, tal, folder, path)
            status, got = ours(tree, tal, folder, path)
            tap.ok(status == 1 and got is None, "we refuse " + name, str(got))
            # It goes on as if there were no file (section 4.1), or gives up.
            tap.ok(theirs in (bare, set()), "FORT does not use " + name, sorted(theirs))


def case_stayrtr():
    if peers.missing("stayrtr"):
        tap.skip("StayRTR", "stayrtr is not installed")
        return
    with tempfile.TemporaryDirectory(prefix="sekisho-peer-") as folder:
        vrps = many_roas(300) + [(64496, "192.0.2.0/24", 24), (64497, "198.51.100.0/24", 24)]
        result = write(os.path.join(folder, "vrps.json"), world(vrps))
        some = sorted(vrps)[:3]
        path = write(os.path.join(folder, "x.slurm"), slurm(
            [{"prefix": some[0][1]}, {"asn": some[1][0]}, {"asn": some[2][0], "prefix": some[2][1]},
             {"prefix": "192.0.0.0/16"}],
            [a(64499, "203.0.113.0/24", 26), a(64499, "2001:db8::/48")]))
        out, theirs = os.path.join(folder, "ours.csv"), os.path.join(folder, "theirs.csv")
        r = peers.run([peers.sekisho(), "rpki", "slurm", "apply", "--in", result, path, "-o", "csv=" + out])
        want = peers.vrps_csv(out)
        tap.ok(r.status == 0 and len(want) < len(vrps), "we apply it to a list", r.err)
        port = free_port()
        server = Process([peers.find("stayrtr"), "-bind", "127.0.0.1:%d" % port, "-cache", result,
                          "-slurm", path, "-checktime=false", "-metrics.addr", "127.0.0.1:%d" % free_port()],
                         os.path.join(folder, "log"))
        try:
            wait_for(lambda: peers.run([peers.sekisho(), "rtr", "fetch", "127.0.0.1:%d" % port, "--version",
                                        "1", "-q", "-o", "csv=" + theirs], seconds=30).status == 0, 20, 0.5)
            got = peers.vrps_csv(theirs) if os.path.exists(theirs) else set()
            tap.ok(got == want, "StayRTR and we: the same VRPs", "missing %s, too many %s" % (
                sorted(want - got)[:3], sorted(got - want)[:3]))
        finally:
            server.stop()


def bgpd_takes(folder, sets):
    path = os.path.join(folder, "bgpd.conf")
    with open(path, "w") as f:
        f.write("AS 65001\nrouter-id 192.0.2.1\n")
        with open(sets) as g:
            f.write(g.read())
    os.chmod(path, 0o600)
    return peers.run([peers.find("bgpd"), "-n", "-f", path], seconds=30)


def case_bgpd():
    if peers.missing("bgpd"):
        tap.skip("OpenBGPD", "bgpd is not installed")
        return
    with tempfile.TemporaryDirectory(prefix="sekisho-peer-") as folder:
        result = write(os.path.join(folder, "vrps.json"),
                       world(many_roas(2000), [(64496, [64497, 64498]), (64499, [0])]))
        path = write(os.path.join(folder, "x.slurm"), slurm([], [a(64499, "203.0.113.0/24", 26)]))
        out = {f: os.path.join(folder, f) for f in ("openbgpd", "openbgpd7")}
        r = peers.run([peers.sekisho(), "rpki", "slurm", "apply", "--in", result, path] +
                      [x for f in out for x in ("-o", f + "=" + out[f])])
        tap.equal(r.status, 0, "written")
        with open(out["openbgpd7"]) as f:
            roas = f.read()
        tap.equal(roas.count("source-as"), 2001, "every VRP is in it")
        tap.ok("203.0.113.0/24 maxlen 26 source-as 64499\n" in roas, "what has no end says none", roas[:200])
        r = bgpd_takes(folder, out["openbgpd7"])
        tap.ok(r.status == 0, "bgpd -n takes the roa-set", r.err)
        with open(out["openbgpd"]) as f:
            text = f.read()
        tap.ok(text.startswith(roas) and re.search(
            r"aspa-set \{\n\tcustomer-as 64496 expires \d+ provider-as \{ 64497, 64498 \}\n"
            r"\tcustomer-as 64499 expires \d+ provider-as \{ 0 \}\n\}\n$", text), "the ASPAs follow", text[-300:])
        probe = os.path.join(folder, "probe")
        with open(probe, "w") as f:
            f.write("aspa-set { customer-as 64496 provider-as { 64497 } }\n")
        if bgpd_takes(folder, probe).status != 0:
            tap.skip("bgpd -n takes the aspa-set", "this bgpd is older than 8.0 and knows no aspa-set")
            return
        r = bgpd_takes(folder, out["openbgpd"])
        tap.ok(r.status == 0, "bgpd -n takes the aspa-set", r.err)


def main():
    if not os.path.exists(peers.sekisho()):
        tap.skip("peers", "sekisho is not built")
        return tap.done()
    for case in (case_fort, case_stayrtr, case_bgpd):
        tap.case(case)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
