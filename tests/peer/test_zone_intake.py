#!/usr/bin/env python3
"""
`sekisho zone intake`: DS and DNSKEY records against a zone in a file, and against
NSD and Knot that serve it, the same and not the same, with a parent on Knot.
"""
import hashlib
import json
import os
import subprocess
import sys
import tempfile

import dnskit
import peers
from rtrserver import free_port
from tap import Tap

tap = Tap()
ZONE = "example.test."
TEXT = "$TTL 300\n@ SOA ns host %d 3600 600 86400 1\n@ NS ns\nns A 127.0.0.1\n"


def intake(*words, stdin=None, wrap=()):
    """(status, JSON or None, stderr)"""
    r = subprocess.run([*wrap, peers.sekisho(), "zone", "intake", "--json", *words], input=stdin,
                       capture_output=True, text=True, timeout=peers.patient(30))
    return r.returncode, json.loads(r.stdout) if r.stdout.startswith("{") else r.stdout, r.stderr


def codes(answer):
    return sorted({f["code"] for f in answer["findings"]})


class World:
    """A signed zone, the same with other keys, and what their DS are."""

    def __init__(self, folder):
        self.folder = folder
        self.file = dnskit.sign(folder, ZONE, TEXT % 1, "--generate", "13")
        self.other = dnskit.sign(folder, ZONE, TEXT % 2, "--generate", "13", name="other.", keys="keys2")
        self.ksk, = dnskit.key_files(os.path.join(folder, "keys"), ZONE, 257)
        self.zsk, = dnskit.key_files(os.path.join(folder, "keys"), ZONE, 256)
        self.ds = dnskit.ds_data(ZONE, self.ksk)
        self.other_ds = dnskit.ds_data(ZONE, next(dnskit.key_files(os.path.join(folder, "keys2"), ZONE, 257)))


def offline(w):
    file = ("--dnskey", w.file)
    status, a, err = intake(ZONE, w.ds, *file)
    tap.equal((status, codes(a), a["accepted"], err), (0, ["INTAKE_GOOD"], True, ""), "the DS of the KSK, from files")
    tap.equal(([x.lower() for x in a["send_ds"]], len(a["send_dnskey"])), ([w.ds], 1), "and both forms to send on")
    status, a, _ = intake(ZONE, *w.ds.split(), *file)
    tap.equal((status, codes(a)), (0, ["INTAKE_GOOD"]), "the same in words of their own")
    status, a, _ = intake(ZONE, "-", *file, stdin=open(w.ksk + ".key").read())
    tap.equal((status, codes(a), [x.lower() for x in a["send_ds"]]), (0, ["INTAKE_GOOD"], [w.ds]), "a .key file, on standard input")
    status, a, _ = intake(ZONE, "--file", w.zsk + ".key", *file)
    tap.equal((status, codes(a), a["send_ds"]), (1, ["INTAKE_BREAKS", "INTAKE_ZSK"], []), "the ZSK: refused, and nothing to send")
    dig = "; <<>> DiG <<>>\n;; ANSWER SECTION:\n" + "".join(
        line for line in open(w.file) if "\tDNSKEY\t" in line.replace(" ", "\t") and line.startswith((ZONE, "@")))
    status, a, _ = intake(ZONE, "-", *file, stdin=dig)
    tap.equal((status, "INTAKE_GOOD" in codes(a), len(a["entered"])), (0, True, 2), "all of what dig prints", str(a))
    tag, alg, kind, digest = w.ds.split()
    status, a, _ = intake(ZONE, "-", *file, stdin=json.dumps({"secureDNS": {"dsData": [
        {"keyTag": int(tag), "algorithm": int(alg), "digestType": int(kind), "digest": digest}]}}))
    tap.equal((status, codes(a)), (0, ["INTAKE_GOOD"]), "the JSON of an RDAP server", str(a))
    empty = dnskit.write(os.path.join(w.folder, "empty"), "%s 60 IN NS ns.%s\n" % (ZONE, ZONE))
    status, a, _ = intake(ZONE, w.ds, *file, "--ds", empty)
    tap.equal((status, codes(a)), (0, ["INTAKE_GOOD", "INTAKE_ISLAND"]), "the first DS of a zone")
    status, a, _ = intake(ZONE, "other.test. IN DS " + w.ds, *file)
    tap.equal((status, codes(a)), (1, ["INTAKE_OTHER_NAME"]), "the record of another name")
    status, a, _ = intake(ZONE, w.ds, *file, "--at", "2040-01-01T00:00:00Z")
    tap.equal((status, codes(a)), (1, ["INTAKE_BREAKS", "INTAKE_NOT_SIGNING"]), "when its signatures have ended")
    left = dnskit.write(os.path.join(w.folder, "left"), "%s 60 IN DS %s\n" % (ZONE, w.other_ds))
    status, a, _ = intake(ZONE, w.ds, *file, "--ds", left)
    tap.equal((status, codes(a)), (0, ["INTAKE_GOOD", "INTAKE_LEFT"]), "a DS that is left over at the parent")


def usage(w):
    for words, what in (((), "no zone"), ((ZONE,), "no record"), ((ZONE, w.ds, "--file", "x"), "a record and a file"),
                        ((ZONE, "-"), "nothing on standard input"), (("..", w.ds), "no name"),
                        ((ZONE, w.ds, "--timeout", "0"), "no time")):
        status, _, err = intake(*words, stdin="")
        tap.equal((status, len(err.splitlines())), (2, 1), "usage: " + what)
    status, _, err = intake(ZONE, w.ds, "--dnskey", "/nonexistent")
    tap.equal((status, len(err.splitlines())), (3, 1), "no such file")
    r = subprocess.run([peers.sekisho(), "zone", "intake", "--rules"], capture_output=True, text=True)
    tap.ok(r.returncode == 0 and "\ncom " in r.stdout and "\njp " in r.stdout, "the registries' rules", r.stdout)


def at(server):
    return "127.0.0.1:%d" % server.port


def live(w, good, same, other, parent):
    """good and same serve the zone, other serves it with other keys."""
    servers = ("--server", at(good), "--server", at(same))
    up = ("--parent-server", at(parent))
    status, a, err = intake(ZONE, w.ds, *servers, *up)
    tap.equal((status, codes(a), err), (0, ["INTAKE_GOOD"], ""), "live: two servers that agree")
    tap.equal(([len(s["tags"]) for s in a["servers"]], [x.lower() for x in a["standing"]]), ([2, 2], [w.ds]),
              "what each has, and what stands at the parent")
    status, a, _ = intake(ZONE, w.ds, *servers, "--server", at(other), *up)
    tap.equal((status, codes(a)), (1, ["INTAKE_BREAKS", "INTAKE_DIFFER", "INTAKE_GOOD", "INTAKE_LEFT", "INTAKE_NO_KEY"]),
              "a third with other keys: refused, though two would do")
    tap.ok(all(at(other) in f["subject"] for f in a["findings"] if f["code"] == "INTAKE_BREAKS"), "and it is named", a)
    silent = "127.0.0.1:%d" % free_port()
    status, a, _ = intake(ZONE, w.ds, "--server", at(good), "--server", silent, *up)
    tap.equal((status, codes(a)), (0, ["INTAKE_GOOD", "INTAKE_SILENT"]), "one that does not answer is told")
    status, a, _ = intake("lame." + ZONE, w.ds, "--server", at(parent), *up)
    tap.equal((status, "INTAKE_LAME" in str(a)), (3, True), "none that answers for the zone: not judged")
    status, a, _ = intake(ZONE, w.ds, "--server", at(good), "--server", at(parent), *up)
    tap.equal((status, codes(a)), (0, ["INTAKE_GOOD", "INTAKE_LAME"]), "one that serves another zone")
    status, a, _ = intake(ZONE, w.ds, "--server", at(good), "--parent-server", silent)
    tap.equal((status, codes(a)), (0, ["INTAKE_GOOD", "INTAKE_NO_PARENT"]), "a parent that does not answer")
    # What stands there is to be removed: nothing entered names it.
    status, a, _ = intake(ZONE, w.other_ds, "--server", at(other), *up)
    tap.equal((status, codes(a)), (0, ["INTAKE_GOOD", "INTAKE_LEFT"]), "the old DS at the parent is told")


def ds_of(zone, key, kind, dead=False):
    """The DS of a .key file with this digest type; dead: of no key there is."""
    rdata = dnskit.key_data(key)
    make = {1: hashlib.sha1, 2: hashlib.sha256, 4: hashlib.sha384}[kind]
    digest = make(dnskit.name_wire(zone) + rdata).hexdigest()
    return "%d %d %d %s" % (dnskit.key_tag(rdata), rdata[3], kind, digest[::-1] if dead else digest)


# Of a child: digest types of DS that fit, and of DS that do not; through Unbound; and what we say.
DIGESTS = {"a": ([2], [], True, True), "b": ([2], [2], True, True), "c": ([2], [4], False, False),
           "d": ([1], [2], False, False), "e": ([2, 4], [], True, True), "f": ([4], [2], True, False)}


def digests(w):
    """RFC 4509 section 3 in a real validator: DS beside one with a stronger digest type count for nothing."""
    zones, entered, text = {}, {}, TEXT % 1
    for name, (good, dead, _, _) in DIGESTS.items():
        zone = name + ".test."
        zones[zone] = dnskit.sign(w.folder, zone, TEXT % 1, "--generate", "13")
        ksk, = dnskit.key_files(os.path.join(w.folder, "keys"), zone, 257)
        entered[zone] = [ds_of(zone, ksk, k) for k in good] + [ds_of(zone, ksk, k, True) for k in dead]
        text += "%s NS ns.%s\nns.%s A 127.0.0.1\n" % (name, name, name) + \
            "".join("%s DS %s\n" % (name, d) for d in entered[zone])
    top = dnskit.sign(w.folder, "test.", text, "--generate", "13", name="digests.", keys="keys3")
    anchor, = dnskit.key_files(os.path.join(w.folder, "keys3"), "test.", 257)
    server = dnskit.Knot(w.folder, {**zones, "test.": top})
    resolver = dnskit.Unbound(w.folder, server, "test. DS " + dnskit.ds_data("test.", anchor))
    try:
        if not (server.up() and resolver.up()):
            return tap.ok(False, "Knot and Unbound start", server.process.text()[-500:] + resolver.process.text()[-500:])
        for zone, (good, dead, secure, accepted) in zip(zones, DIGESTS.values()):
            what = "DS of types %s that fit, %s that do not: " % (good, dead)
            a = dnskit.ask(resolver.port, "ns." + zone, "A", seconds=peers.patient(5))
            tap.equal(str(a.rcode if a else None) + (" AD" if a and a.ad else ""), "0 AD" if secure else "2",
                      what + ("Unbound is content" if secure else "bogus for Unbound"), str(a))
            status, said, _ = intake(zone, "-", "--dnskey", zones[zone], stdin="\n".join(entered[zone]))
            # SHA-1 alone is refused by its level, and what only strong validators take, by others.
            tap.equal((status, "INTAKE_BREAKS_DIGEST" in codes(said)), (0 if accepted else 1, not accepted),
                      what + ("taken" if accepted else "refused"), str(said))
    finally:
        server.stop()
        resolver.stop()


def unreachable(w):
    """In a network of nothing, not even loopback."""
    wrap = ("unshare", "-rn")
    if subprocess.run([*wrap, "true"], capture_output=True).returncode != 0:
        return tap.skip("unreachable", "unshare is not allowed here")
    status, out, err = intake(ZONE, w.ds, "--server", "127.0.0.1", "--parent-server", "127.0.0.1", wrap=wrap)
    tap.equal((status, "INTAKE_UNASKED" in str(out)), (3, True), "addresses without a way there", str(out) + err)


def main():
    with tempfile.TemporaryDirectory(prefix="sekisho-intake-") as folder:
        w = World(folder)
        tap.case(offline, w)
        tap.case(usage, w)
        tap.case(unreachable, w)
        absent = peers.missing("knotd", "unbound")
        if absent:
            tap.skip("digests", absent + " is not installed")
        else:
            tap.case(digests, w)
        absent = peers.missing("nsd", "knotd")
        if absent:
            tap.skip("live", absent + " is not installed")
            return tap.done()
        above = dnskit.sign(folder, "test.", TEXT % 1 + "example NS ns.example\nns.example A 127.0.0.1\nexample DS %s\n" % w.ds,
                            "--generate", "13")
        servers = [dnskit.Knot(folder, {ZONE: w.file}), dnskit.Nsd(folder, {ZONE: w.file}),
                   dnskit.Knot(folder, {ZONE: w.other}), dnskit.Knot(folder, {"test.": above})]
        try:
            if all([s.up() for s in servers]):
                tap.case(live, w, *servers)
            else:
                tap.ok(False, "the servers start", "\n".join(s.process.text()[-500:] for s in servers))
        finally:
            for s in servers:
                s.stop()
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
