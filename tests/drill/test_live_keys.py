#!/usr/bin/env python3
"""
A trust anchor's next key, by its list of keys (RFC 9691), against the whole
daemon. The anchor "old" is configured; "new" and "other" are what it names:

  step 0  its list has its own key and no other
  step 1  "new" comes next
  step 2  not "new" but "other" comes next
  step 3  none comes next
  step 4  "new" again
  step 5  a list whose current key is not the anchor's
  step 6  as at step 4

At each step a ROA tells how old the payloads are: whatever the list says, they
come by the configured key. The daemon never goes over to another key by itself
and asks no server for it; it tells what is announced, with the clause. At last
the operator does what the finding says: the TAL of "new" is put into the file
of the old one, and the payloads stay until they are judged by the new key.
"""
import base64
import hashlib
import os
import re
import shutil
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from livehouse import AT, EVERY, LabHouse, LiveHouse, Tap, at, ends_well, folder, run, stop_all, wait_for  # noqa: E402

t = Tap()
SUCCESSOR, PLACE, CLAUSE = "RPKI_TAK_SUCCESSOR", "RPKI_TAK_PLACE", "RFC 9691 section"
# What the list says at each step.
NEXT = [None, "new", "other", None, "new", "new", "new"]
WRONG = 5		# the step of the fault
STEPS = len(NEXT) - 1


def roas(indent):
    return [indent + f"roa AS64496 10.0.{s}.0/24 name s{s} from {s}" + (f" until {s + 1}" if s < STEPS else "")
            for s in range(STEPS + 1)]


def world(d):
    text = [f"at {AT}", f"steps {STEPS}", f"every {EVERY}s"]
    for name in ("old", "new", "other"):
        text += [f"ta {name} {{", f"\tserver {name}.example", "\tmanifest -1h +30d", "\tcrl -1h +30d",
                 "\tresources 10.0.0.0/8 AS64496", *roas("\t")]
        if name == "old":
            text += ["\ttak" + (f" successor {n}" if n else "") + f" name keys{s} from {s} until {s + 1}"
                     for s, n in enumerate(NEXT)]
            text += [f"\tfault tak-key at keys{WRONG}"]
        else:
            text += ["\ttak predecessor old name keys"]
        text += ["}"]
    with open(os.path.join(d, "w.lab"), "w") as f:
        f.write("\n".join(text) + "\n")
    code, _, err = run("lab", "rpki", "w.lab", "-q", "--seed", "7", "--servers", ".", cwd=d, timeout=300)
    assert code == 0, err


def tal(d, name):
    """The first address and the key identifier (RFC 6487 section 4.8.2) of a TAL."""
    with open(os.path.join(d, "all-tals", name + ".tal")) as f:
        uris, _, key = f.read().partition("\n\n")
    der = base64.b64decode(key)
    return uris.split()[0], hashlib.sha1(der[24:]).hexdigest()	# 24: the heads of SPKI of RSA with 2048 bits


def trust(d, name, as_name="anchor"):
    """The one TAL that the daemon has."""
    for f in os.listdir(os.path.join(d, "tals")):
        os.unlink(os.path.join(d, "tals", f))
    shutil.copy(os.path.join(d, "all-tals", name + ".tal"), os.path.join(d, "tals", as_name + ".tal"))


def payloads(step):
    return {f"AS64496 10.0.{step}.0/24-24"}


def keys_uri(step, ta="old"):
    return f"rsync://{ta}.example/repo/{ta}/keys{step}.tak"


def found(h, query=""):
    """Findings of lists of keys in the last validation, as the page's JSON tells them."""
    return [f for f in h.get("/api/v1/findings" + query)["findings"] if f["code"].startswith("RPKI_TAK")]


def case_step(d, lab, h, step):
    since = len(h.objects())
    if step > 0:
        lab.step(step)
        h.wished = 0.0
    t.ok(wait_for(lambda: h.wish(1.5) and h.vrps() == payloads(step), 20),
         f"step {step}: payloads come by the key of the TAL", h.log()[-2000:])
    code = PLACE if step == WRONG else SUCCESSOR if NEXT[step] else None
    want = [] if code is None else [(code, keys_uri(step))]
    t.ok(wait_for(lambda: [(f["code"], f["subject"]) for f in found(h)] == want, 15),
         f"step {step}: the page's JSON says " + (code or "nothing of keys"), found(h))
    t.none([f for f in found(h, "?lang=ja") if not f["clause"].startswith(CLAUSE) or not f["text"] or not f["remedy"]],
           f"step {step}: … with clause and what to do")
    def lines():
        return [x for x in h.objects()[since:] if x["code"].startswith("RPKI_TAK")]
    t.ok(wait_for(lambda: [(x["code"], x["subject"]) for x in lines()] == want, 15),
         f"step {step}: the object log the same, once", lines())
    if code == SUCCESSOR:
        uri, key = tal(d, NEXT[step])
        t.equal([(x["args"]["uri"], x["args"]["key"]) for x in lines()], [(uri, key)],
                f"step {step}: … with address and key of {NEXT[step]}")
        # The history is written by another process than the object log.
        def told():
            return run("rpki", "log", "-c", h.conf, keys_uri(step))[1]
        t.ok(wait_for(lambda: key in (out := told()) and CLAUSE in out, 15), f"step {step}: rpki log tells it", told())


def case_moved(d, lab, h):
    """RFC 9691 section 4: the daemon leaves other keys alone; the operator changes the TAL."""
    stats = lab.stats()
    t.ok(stats["old.example"]["requests"] > 0, "the anchor's server was asked")
    t.equal([n for n in ("new.example", "other.example") if stats.get(n, {}).get("requests", 0)], [],
            "nobody else's was")
    def anchors():
        data = h.get("/api/v1/status")["data"]
        return [(x["name"], x["uri"], x["vrps4"]) for x in data["tas"]], data["guard"]
    # In the file of the old one, then in a file of its own: that is another anchor for the guard.
    for name, as_name in (("new", "anchor"), ("other", "other")):
        h.stop()
        trust(d, name, as_name)
        since = len(h.log())
        h.start("-v", "--at", at(STEPS * EVERY))
        t.ok(wait_for(lambda: anchors() == ([(as_name, tal(d, name)[0], 1)], None) and not found(h), 20),
             f"the TAL of {name} as {as_name}: payloads by its key, and nothing is to be told of keys any more", anchors())
        t.ok(h.is_served(payloads(STEPS)), "… which are those of the old one")
        t.equal(re.findall(r"serial \d+: 0 VRPs", h.log()[since:]), [], "… and there was no moment without")
        t.ok(wait_for(lambda: lab.stats()[name + ".example"]["requests"] > 0, 10), "… from that key's server")


def main():
    with folder() as d:
        world(d)
        os.rename(os.path.join(d, "tals"), os.path.join(d, "all-tals"))
        os.mkdir(os.path.join(d, "tals"))
        trust(d, "old")
        try:
            with LabHouse(d, seconds=1800) as lab:
                lab.step(0)
                h = LiveHouse(d, lab, rpki="guard-min: 1")
                h.start("-v", "--at", at(STEPS * EVERY))	# no step is from the future
                for step in range(STEPS + 1):
                    t.case(case_step, d, lab, h, step)
                t.case(case_moved, d, lab, h)
                ends_well(t, h)
        finally:
            stop_all()
    return t.done()


if __name__ == "__main__":
    began = time.monotonic()
    code = main()
    print("# %.0f s" % (time.monotonic() - began))
    sys.exit(code)
