#!/usr/bin/env python3
"""Exceptions and SLURM files in the daemon: in force, changed, refused, ended."""
import calendar
import json
import os
import sys
import time

import house

EDO, KYOTO = "AS64496 192.0.2.0/24-24", "AS64497 198.51.100.0/24-24"
OURS = "AS64500 203.0.113.0/24-25"
EXCEPTIONS = """exceptions:
    - {action: filter, prefix: 192.0.2.0/24, owner: noc, reason: x, until: "%s"}
    - {action: assert, prefix: 203.0.113.0/24, asn: 64500, max-length: 25, owner: noc, reason: x, until: "%s"}
"""
SLURM = """{"slurmVersion": 1, "validationOutputFilters": {"prefixFilters": [%s], "bgpsecFilters": []},
"locallyAddedAssertions": {"prefixAssertions": [], "bgpsecAssertions": []}}"""


def at(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def house_end(end):
    return calendar.timegm(time.strptime(end, "%Y-%m-%dT%H:%M:%SZ"))


def put(folder, text):
    """As an editor does: a new file in the old one's place."""
    path = os.path.join(folder, "x.slurm")
    with open(path + ".new", "w") as f:
        f.write(text)
    os.replace(path + ".new", path)


def see(t, h, want, what):
    """want: a function of the set."""
    got = house.wait_for(lambda: want(h.vrps()), 40, 0.2)
    t.ok(got, what, "%s\n%s" % (sorted(h.vrps()), h.log()[-1500:]))


def test_ends(t, d):
    """The end comes by itself: nothing else changes, no run is due."""
    house.lab(d)

    def in_force(v):
        return EDO not in v and OURS in v and KYOTO in v
    for seconds in (8, 40, 200):		# until then they have to be seen; a busy machine is not so fast
        end = at(seconds)
        h = house.House(d, inputs="tree: tree\n  " + EXCEPTIONS.rstrip() % (end, end))
        h.start()
        seen = house.wait_for(lambda: in_force(h.vrps()) or time.time() > house_end(end), 40, 0.2) and in_force(h.vrps())
        if seen:
            break
        h.stop()
    t.ok(seen, "both exceptions are in force", h.log()[-1500:])
    see(t, h, lambda v: v == house.VRPS, "at their end both are over, without any other change")
    h.stop()
    with open(os.path.join(h.state, "objects.jsonl")) as f:
        codes = {json.loads(line).get("code") for line in f}
    t.ok({"RPKI_EXCEPTION_ENDS", "RPKI_EXCEPTION_EXPIRED"} <= codes, "said before and after", codes)


def test_files(t, d):
    house.lab(d)
    put(d, SLURM % '{"prefix": "192.0.2.0/24"}')
    h = house.House(d, inputs="tree: tree\n  slurm: x.slurm")
    h.start()
    see(t, h, lambda v: v == house.VRPS - {EDO}, "a SLURM file is in force")
    put(d, SLURM % '{"asn": 64497}')
    see(t, h, lambda v: v == house.VRPS - {KYOTO}, "another one in its place, without reload")
    with open(os.path.join(d, "x.slurm"), "w") as f:
        f.write(SLURM % '{"asn": "AS64496"}')
    house.wait_for(lambda: "refused" in h.log(), 40, 0.2)
    t.ok("refused" in h.log(), "a broken one is refused and said so", h.log()[-1000:])
    t.equal(h.vrps(), house.VRPS - {KYOTO}, "the one before it stays in force")
    h.inputs = "tree: tree\n  " + EXCEPTIONS.rstrip() % (at(86400), at(86400))
    h.write_conf()
    code, _, err = house.run("reload", "-c", h.conf)
    t.equal(code, 0, "reload with exceptions instead " + err)
    see(t, h, lambda v: OURS in v and EDO not in v and KYOTO in v, "they are in force")
    h.inputs = "tree: tree\n  exceptions:\n    - {action: filter, asn: 1, owner: noc, until: 2099-01-01}"
    h.write_conf()
    code, _, err = house.run("reload", "-c", h.conf)
    t.ok(code != 0 and "reason" in err and ":6:" in err, "one without a reason is refused with its line", err)
    t.ok(OURS in h.vrps(), "and the old ones stay")
    h.stop()


def main():
    t = house.Tap()
    for test in (test_ends, test_files):
        with house.folder() as d:
            try:
                t.case(test, t, d)
            finally:
                house.stop_all()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
