#!/usr/bin/env python3
"""
Zones that BIND, Knot and OpenDNSSEC sign, taken over by our service: the real daemons
make the keys and sign, "zone import" takes the keys, and the servers then give out what
we sign. No mix of what was served may be bogus in any cache; each version verifies by
dnssec-verify; the next ZSK comes at the time that the old signer had planned.

Then what each of them says in the middle of a roll, and which of it is refused.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
import dnskit  # noqa: E402
import dnsworld  # noqa: E402
import house  # noqa: E402
import odskit  # noqa: E402
from house import wait_for  # noqa: E402

LONG = 25
ALL = []		# OpenDNSSECs that run
ZONE = """$TTL 1
@ IN SOA ns.%(z)s. host.%(z)s. 1 3600 900 604800 1
@ IN NS ns.%(z)s.
ns IN A 192.0.2.54
www IN A 192.0.2.1
"""
POLICY = ("keys: split, algorithm: 13, backup-required: no, zsk-lifetime: 0, ksk-lifetime: 0, dnskey-ttl: 1, max-zone-ttl: 1, "
          "publish-safety: 0, retire-safety: 0, child-propagation: 1, parent-propagation: 1, registration-delay: 2, "
          "parent-ds-ttl: 1")


def tool(*args, **kw):
    p = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=house.patient(30), **kw)
    assert p.returncode == 0, " ".join(args) + ": " + p.stdout
    return p.stdout


def write(path, text, mode=0o644):
    with open(path + ".new", "w") as f:
        f.write(text)
    os.chmod(path + ".new", mode)
    os.replace(path + ".new", path)
    return path


def table(text):
    """Zone text of any signer, a record a line, as dnsworld.py reads it."""
    out = []
    for line in text.splitlines():
        f = line.split(";")[0].split(None, 4)
        if len(f) == 5 and f[2] == "IN":
            out.append("\t".join(f))
    return "\n".join(out) + "\n"


def transfer(port, zone):
    return table(tool("dig", "+noall", "+answer", "+onesoa", "-p", str(port), "@127.0.0.1", zone, "AXFR"))


# --- the old signers: each leaves .signed, and says how its keys are had -----------

class OldBind(dnskit.Bind):
    def __init__(self, d, zone):
        self.keys = os.path.join(d, "bindkeys")
        os.makedirs(self.keys, exist_ok=True)
        self.source = write(os.path.join(d, "bind.zone"), ZONE % {"z": zone})
        super().__init__(d, {zone: self.source})

    def conf(self):
        return super().conf().split("controls")[0].replace("minimal-responses yes;", "allow-transfer { any; };") + """
dnssec-policy p { keys { ksk lifetime unlimited algorithm 13; zsk lifetime P30D algorithm 13; };
	dnskey-ttl 1; max-zone-ttl 3600; publish-safety 60; retire-safety 60; signatures-validity P14D; signatures-refresh P5D;
	zone-propagation-delay 60; parent-ds-ttl 60; parent-propagation-delay 60; };
""" + "".join('zone "%s" { type primary; file "%s"; dnssec-policy p; key-directory "%s"; inline-signing yes; };\n'
              % (z, f, self.keys) for z, f in self.zones.items())

    def zsks(self):
        return {f[:-4] for f in os.listdir(self.keys)
                if f.endswith(".key") and " 256 " in open(os.path.join(self.keys, f)).read()}


class OldKnot(dnskit.Knot):
    def __init__(self, d, zone, *keys):
        self.zone, self.given = zone, keys
        self.source = write(os.path.join(d, "knot.zone"), ZONE % {"z": zone})
        super().__init__(d, {zone: self.source})

    def conf(self):
        return super().conf().replace("zone:\n", """acl:
  - id: all
    address: 127.0.0.1
    action: transfer
policy:
  - id: p
    manual: on
    algorithm: ecdsap256sha256
    dnskey-ttl: 1
zone:
""") + "    dnssec-signing: on\n    dnssec-policy: p\n    acl: all\n"

    def argv(self, conf):
        """Its keys are there before it is."""
        self.file = conf
        for k in self.given:
            self.keymgr("generate", "algorithm=13", *k)
        return super().argv(conf)

    def keymgr(self, *args):
        return tool("keymgr", "-c", self.file, self.zone, *args)

    def list(self, *args):
        return tool("keymgr", "-c", self.file, *args, self.zone, "list")

    def pems(self):
        return os.path.join(self.dir, "db", "keys", "keys")


# --- ours -----------------------------------------------------------------------

class Middle:
    def __init__(self, d):
        self.d, self.env = d, dict(os.environ)
        self.children, self.ends = {}, {}
        for name in ("in", "out"):
            os.mkdir(os.path.join(d, name))
        self.token = ""

    def zone(self, zone, signed):
        """Served as the old signer signed it, with the DS of its KSKs at the parent."""
        path = os.path.join(self.d, "out", zone)
        write(os.path.join(self.d, "in", zone), ZONE % {"z": zone})
        write(path, signed)
        c = self.children[zone] = dnsworld.Child(zone + ".", path)
        c.load()
        c.ds_set([dnsworld.ds_of(zone + ".", k) for _, t, _, k in c.records if t == dnsworld.DNSKEY and k[1] & 1])
        write(os.path.join(self.d, zone + ".signed"), signed)

    def begin(self):
        self.world = dnsworld.World(*self.children.values())
        zones = "".join("    - {name: %s, file: in/%s, output: out/%s, policy: p}\n" % (z, z, z) for z in self.children)
        self.h = house.House(self.d, "dns:\n%s  look-interval: 1\n%s  zones:\n%s  policies:\n    - {name: p, %s}\n"
                             % (self.world.conf(), self.token, zones, POLICY))
        house.lab(self.d)

    def take(self, zone, *args):
        code, out, err = house.run("zone", "import", zone, "-c", self.h.conf, "--json", "--published",
                                   os.path.join(self.d, zone + ".signed"), "--write", *args, env=self.env)
        return code, json.loads(out) if out.startswith("{") else {}, out + err

    def keys(self, zone):
        code, out, _ = house.run("zone", "status", zone, "--json", "-c", self.h.conf)
        try:
            return {k["tag"]: k for k in json.loads(out)["zones"][0]["keys"]}
        except (ValueError, KeyError, IndexError):
            return {}

    def signers(self, zone):
        return dnsworld.datasigs(zone + ".")(self.children[zone].records)


def judge(t, m, zone, first):
    c = m.children[zone]
    bad = []
    for i, v in enumerate(c.versions):
        path = write(os.path.join(m.d, "version"), v[3])
        p = subprocess.run(["dnssec-verify", "-q", "-o", zone, path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if p.returncode != 0:
            bad.append("version %d: %s" % (i, p.stdout[-300:]))
    t.none(bad, "%s: dnssec-verify takes each of %d versions" % (zone, len(c.versions)))
    t.none(dnsworld.bogus(c, 1, 1)[:3], "%s: no cache held a mix that is bogus" % zone)
    rolled = [v[0] for v in c.versions if dnsworld.datasigs(zone + ".")(v[2]) != first]
    at = rolled[0] + time.time() - time.monotonic() if rolled else 0
    t.ok(rolled and at >= m.ends[zone], "%s: rolled when it was planned, not before" % zone,
         "rolled %.1f, planned %s" % (at, m.ends[zone]))


def opendnssec(d, m, planned):
    """Its enforcer lives the last three months in a second; its signer signs today."""
    o = odskit.Ods(d, ttl=1)
    ALL.append(o)
    o.start(at=planned - 90 * 86400)
    o.ask("policy", "import")
    signed = o.zone_add("ods.test", ZONE % {"z": "ods.test"})
    assert o.until(lambda rows: rows and all(r[2] == "active" for r in rows)), o.list("-v")
    assert o.sign(signed), open(os.path.join(d, "signer.log")).read()
    with open(signed) as f:
        m.zone("ods.test", table(f.read()))
    write(os.path.join(d, "list"), o.list("-v", "-p") + o.list("-d", "-p") + o.ask("rollover", "list"))
    m.env["SOFTHSM2_CONF"] = o.env["SOFTHSM2_CONF"]
    pin = write(os.path.join(d, "pin"), odskit.PIN + "\n", 0o600)
    m.token = ("  pkcs11:\n    module: %s\n    token: pkcs11:token=ods\n    pin-file: %s\n    read-paths: %s\n"
               "    write-paths: %s/tokens\n    environment: [SOFTHSM2_CONF=%s]\n"
               % (odskit.module(), pin, o.env["SOFTHSM2_CONF"], d, o.env["SOFTHSM2_CONF"]))
    o.stop()
    return ["--pkcs11", odskit.module(), "--token", "pkcs11:token=ods", "--pin-file", pin, "--list", os.path.join(d, "list")]


def bind(d, m):
    """named makes the keys and signs; dnssec-settime says when the ZSK retires."""
    b = OldBind(d, "bind.test")
    try:
        assert b.up() and wait_for(lambda: b.zsks() and "RRSIG" in transfer(b.port, "bind.test"), LONG), "named does not sign"
        m.zone("bind.test", transfer(b.port, "bind.test"))
    finally:
        b.stop()

    def retire(planned):
        tool("dnssec-settime", "-s", "-K", b.keys, "-I", time.strftime("%Y%m%d%H%M%S", time.gmtime(planned)), "-D", "+30d",
             b.zsks().pop())
        return ["--from", b.keys]
    return retire


def knot(d, m):
    k = OldKnot(d, "knot.test", ("ksk=yes", "publish=-2d", "ready=-1d", "active=-1d"), ("zsk=yes", "publish=-2d", "active=-1d"))
    try:
        assert k.up(), "knotd does not run"
        m.zone("knot.test", transfer(k.port, "knot.test"))
    finally:
        k.stop()

    def retire(planned):
        zsk = next(r for r in json.loads(k.list("-j")) if r["zsk"])
        k.keymgr("set", str(zsk["tag"]), "retire=%d" % planned, "remove=%d" % (planned + 3600))
        write(os.path.join(d, "knot.list"), k.list("-j"))
        return ["--from", k.pems(), "--list", os.path.join(d, "knot.list")]
    return retire


def test_take_over(t, d):
    m, begin = Middle(d), time.monotonic()
    how, later = {}, {}
    if shutil.which("named") and shutil.which("dnssec-settime"):
        later["bind.test"] = bind(d, m)
    else:
        t.skip("a zone of BIND", "named is not installed")
    if shutil.which("knotd") and shutil.which("keymgr"):
        later["knot.test"] = knot(d, m)
    else:
        t.skip("a zone of Knot", "knotd is not installed")
    # OpenDNSSEC's plan is made before its keys are: as long from now as this machine may need.
    planned = int(time.time() + max(11, 6 * (time.monotonic() - begin)))
    if odskit.missing() is None and os.getuid() == 0 and shutil.which("ods-signerd"):
        os.mkdir(os.path.join(d, "ods"))
        how["ods.test"] = opendnssec(os.path.join(d, "ods"), m, planned)
    else:
        t.skip("a zone of OpenDNSSEC", odskit.missing() or "its signer runs as root only")
    for zone, retire in later.items():
        how[zone] = retire(planned)
    if not how:
        return
    m.begin()
    try:
        play(t, m, how, planned)
    finally:
        m.h.stop()
        m.world.stop()


def play(t, m, how, planned):
    first = {z: m.signers(z) for z in how}
    old = {}
    for zone, args in how.items():
        code, j, said = m.take(zone, *args)
        rows = {k["role"]: k for k in j.get("keys", []) if k.get("use") == "used"}
        t.equal((code, sorted(rows)), (0, ["ksk", "zsk"]), "%s: its keys are taken" % zone, said)
        old[zone] = rows["zsk"]["tag"]
        m.ends[zone] = rows["zsk"]["end"]
        t.ok(m.ends[zone] and abs(m.ends[zone] - planned) <= 10, "%s: and the end that was planned" % zone, said)
    m.h.start(env=m.env)
    kept = {z: None for z in how}

    def told():
        for z in how:
            kept[z] = kept[z] or m.keys(z).get(old[z], {}).get("retires")
        return all(kept.values())

    t.ok(wait_for(told, LONG, 0.2), "the service has them", m.h.log()[-3000:])
    t.equal(kept, m.ends, "and keeps the plans")
    t.ok(wait_for(lambda: all(m.signers(z) != first[z] for z in how), LONG, 0.1), "all are rolled",
         str({z: m.keys(z) for z in how}) + m.h.log()[-4000:])
    gone = wait_for(lambda: all(old[z] not in {dnsworld.key_tag(k) for _, x, _, k in m.children[z].records if x == dnsworld.DNSKEY}
                                for z in how), LONG, 0.1)
    t.ok(gone, "and the old ZSKs are withdrawn", m.h.log()[-4000:])
    m.h.stop()
    for zone in how:
        judge(t, m, zone, first[zone])


def test_opendnssec_rolls(t, d):
    """Each state that its enforcer knows, in both forms of its list: what is taken, what has to wait."""
    why = odskit.missing()
    if why:
        t.skip("OpenDNSSEC in the middle of a roll", why)
        return
    o = odskit.Ods(d)
    ALL.append(o)
    o.start()
    o.ask("policy", "import")
    o.zone_add("ods.test", ZONE % {"z": "ods.test"})
    pin = write(os.path.join(d, "pin"), odskit.PIN + "\n", 0o600)
    write(os.path.join(d, "sekisho.conf"), "state: state\n")

    def look(text):
        code, out, err = house.run("zone", "import", "ods.test", "--pkcs11", odskit.module(), "--pin-file", pin, "--json",
                                   "--list", write(os.path.join(d, "list"), text),
                                   "-c", os.path.join(d, "sekisho.conf"), env=o.env)
        j = json.loads(out) if out.startswith("{") else {"keys": [], "findings": []}
        return code, {k["tag"]: k.get("use", k["verdict"]) for k in j["keys"]}, [f["code"] for f in j["findings"]], out + err

    t.ok(o.until(lambda rows: rows and all(r[2] == "active" for r in rows)), "its zone is in order", o.list("-v"))
    verbose, debug, rolls = o.list("-v", "-p"), o.list("-d", "-p"), o.ask("rollover", "list")
    code, use, found, said = look(verbose + debug + rolls)
    t.equal((code, sorted(use.values()), found), (0, ["used", "used"], []), "both are in use", said)
    t.equal(look(o.list("-v") + o.list("-d") + rolls)[:3], (code, use, found), "columns say the same", said)
    t.equal(look(debug)[0], 3, "without -v, nobody says which key is which")
    old = {r[1]: int(r[8]) for r in o.rows()}
    o.ask("key", "rollover", "-z", "ods.test", "-t", "ZSK")
    seen = {}

    def step(rows):
        text = o.list("-v", "-p") + o.list("-d", "-p")
        code, use, found, said = look(text)
        if "IMPORT_ROLLING" in found:
            seen.setdefault("mixing", (code, use.get(old["ZSK"]), look(o.list("-v", "-p"))[2], said))
        elif "coming" in use.values():
            seen.setdefault("coming", (code, use.get(old["ZSK"]), said))
        elif "mixing" in seen and use.get(old["ZSK"], "leaving") == "leaving":
            seen.setdefault("after", (code, sorted(use.values()), said))
        return "after" in seen

    t.ok(o.until(step), "a ZSK is rolled", str(seen) + o.list("-v"))
    t.equal(seen.get("coming", ())[:2], (0, "used"), "while its successor waits: taken", str(seen.get("coming")))
    t.equal(seen.get("mixing", ())[:2], (1, "leaving"), "while signatures are replaced: refused", str(seen.get("mixing")))
    t.ok("IMPORT_ROLLING" in seen.get("mixing", ((), (), ()))[2], "also where only -v was given")
    t.ok(re.search(r"20\d\d-\d\d-\d\dT", seen.get("mixing", ((), (), (), ""))[3]), "with the time to come again", str(seen))
    t.equal(seen.get("after", ())[:2], (0, ["leaving", "used", "used"]), "after it: taken", str(seen.get("after")))
    o.stop()


if __name__ == "__main__":
    try:
        code = house.cases(test_take_over, test_opendnssec_rolls)
    finally:
        for o in ALL:
            o.stop()
    sys.exit(code)
