#!/usr/bin/env python3
"""rpki-client and FORT fetch from the lab's servers, as from the Internet: what
they conclude is what the world says, also while one server misbehaves."""
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "lab"))
import peers
from labhouse import LabNet
from tap import Tap

tap = Tap()
STEPS = 4
WORLD = """
steps %d
churn 300
ta house {
	resources 192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 AS64496-AS64511
	server house.example
	ca edo {
		server edo.example
		resources 192.0.2.0/24 2001:db8::/36 AS64496
		roa AS64496 192.0.2.0/24 name edo-v4
		roa AS64496 2001:db8::/36-48 name edo-v6
	}
	ca kyoto {
		server kyoto.example
		resources 198.51.100.0/24 AS64497
		roa AS64497 198.51.100.0/24 name kyoto-1
		roa AS64498 198.51.100.0/25-26 name kyoto-2
	}
}
""" % STEPS


class Validator:
    """One of the two, with a cache that lives from run to run."""

    def __init__(self, name, work, tals, net):
        self.name, self.net, self.tals = name, net, tals
        self.cache = os.path.join(work, name + "-cache")
        self.out = os.path.join(work, name + "-out")
        for d in (self.cache, self.out):
            os.makedirs(d)
            os.chmod(d, 0o777)

    def run(self, *options):
        if self.name == "rpki-client":
            argv = [peers.find("rpki-client"), "-c", "-v", "-s", "60", "-d", self.cache]
            for t in sorted(os.listdir(self.tals)):
                argv += ["-t", os.path.join(self.tals, t)]
            argv += [*options, self.out]
            csv = os.path.join(self.out, "csv")
        else:
            csv = os.path.join(self.out, "roas.csv")
            argv = [peers.find("fort"), "--mode=standalone", "--tal=" + self.tals,
                    "--local-repository=" + self.cache, "--output.roa=" + csv, "--output.format=csv",
                    "--log.output=console", "--log.level=error", "--validation-log.enabled=false",
                    "--http.retry.interval=0", "--rsync.retry.interval=0", *options]
        if os.path.exists(csv):
            os.unlink(csv)
        r = self.net.run(argv, env=peers.env_utc())
        self.said = r.stdout + r.stderr
        return peers.vrps_csv(csv) if os.path.exists(csv) else None


def expected(world, step):
    return peers.vrps_csv(os.path.join(world, "expected-%d.csv" % step))


def follow(v, lab, world):
    """Step by step, by RRDP."""
    for step in range(STEPS + 1):
        lab.step(step)
        tap.equal(v.run(), expected(world, step), "%s: step %d" % (v.name, step))
    st = lab.stats(reset=True)
    tap.ok(sum(h["snapshots"] for h in st.values()) >= 3 and sum(h["rsync_bytes"] for h in st.values()) == 0,
           "%s: by RRDP alone" % v.name, st)
    tap.equal(v.run(), expected(world, STEPS), "%s: once more" % v.name)
    if v.name == "fort":	# 1.5: its RRDP state lives in memory, a run alone begins anew
        return
    tap.ok(sum(h["deltas"] for h in st.values()) > 0, "%s: with deltas" % v.name, st)
    st = lab.stats(reset=True)
    tap.ok(all(h["not_modified"] == h["notifications"] == 1 for h in st.values()),
           "%s: nothing new, 304 from all" % v.name, st)


def by_rsync(v, lab, world):
    """RRDP is down everywhere: rsync it is."""
    lab.behave("* not-found")
    tap.equal(v.run(), expected(world, STEPS), "%s: by rsync" % v.name)
    st = lab.stats(reset=True)
    tap.ok(all(h["rsync_connections"] > 0 for h in st.values()), "%s: from all servers" % v.name, st)
    lab.heal()


# From an empty cache: what costs the server, and what does not (its snapshot is good). Left out:
# doctype (FORT 1.5 reads on) and bad-gzip (who does not ask for gzip does not look at the header).
COSTS = ("tls-wrong-name", "tls-expired", "tls-self-signed", "tls-garbage", "server-error", "garbage", "html",
         "session-mismatch", "snapshot-hash", "laughs", "wrong-length", "reset after=200",
         "cut after=200", "redirect-inward", "truncated", "endless-headers", "empty")
HARMLESS = ("session-changed", "delta-gap", "serial-reuse", "delta-hash", "slow-head rate=2000")


def misbehaviour(v, lab, world, work):
    """One bad server at a time, its rsync gone: exactly its own payloads are missing."""
    lab.step(STEPS)
    whole = expected(world, STEPS)
    others = {x for x in whole if not x[1].startswith("198.51.100.")}
    tap.ok(others != whole, "kyoto.example has payloads")
    for rule in COSTS + HARMLESS:
        fresh = Validator(v.name, tempfile.mkdtemp(dir=work), v.tals, v.net)
        os.chmod(os.path.dirname(fresh.cache), 0o755)
        lab.behave("kyoto.example " + rule)
        lab.behave("kyoto.example rsync-reset")
        got = fresh.run()
        hits = lab.stats(reset=True)["kyoto.example"]["behaviours"].get(rule.split()[0], 0)
        tap.ok(got == (others if rule in COSTS else whole) and hits > 0, "%s: %s costs %s" % (
            v.name, rule.split()[0], "its own server only" if rule in COSTS else "nothing"),
               (got, hits, fresh.said[-500:]))
        lab.heal()


def main():
    for program in sys.argv[1:] or ("rpki-client", "fort"):
        if peers.find(program) is None:
            tap.skip(program + " fetches from the lab", "not installed")
            continue
        if LabNet.missing() is not None or peers.find("rsync") is None:
            tap.skip(program + " fetches from the lab", LabNet.missing() or "no rsync")
            continue
        with tempfile.TemporaryDirectory(prefix="sekisho-lab-") as work:
            os.chmod(work, 0o755)
            tap.case(validator, program, work)
    return tap.done()


def validator(program, work):
    world = os.path.join(work, "world")
    lab_text = os.path.join(work, "w.lab")
    with open(lab_text, "w") as f:
        f.write(WORLD)
    r = peers.run([peers.sekisho(), "lab", "rpki", "-q", "--no-progress", "--servers", world, lab_text])
    if r.status != 0:
        raise RuntimeError(r.err)
    with LabNet() as net, net.house(world) as lab:
        v = Validator(program, work, os.path.join(world, "tals"), net)
        tap.case(follow, v, lab, world)
        tap.case(by_rsync, v, lab, world)
        tap.case(misbehaviour, v, lab, world, work)
    shutil.rmtree(world, ignore_errors=True)


sys.exit(main())
