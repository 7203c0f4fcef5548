#!/usr/bin/env python3
"""zone import: keys that real tools made, matched bit for bit, tried, and written as ours."""
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fake_role  # noqa: E402
import house  # noqa: E402

ZONE = "example.jp"
MODULES = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so"]
PIN = "sekisho-1234"
# Two keys with one tag, found by trying; they never signed anything.
TWINS = [
    ('-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgN9UCNdpo9XuPBzfm\nQqZIwb4lwFj41xOiXeFbeOWdglahRANCAATZYEzcjAv9rUXhBmpo+atvCMJLB4hl\ndNiCzlz20xPD7jKR4BcxatzTFOz6rzoLngUtUxIPYCvk0zRLzNvQBQii\n-----END PRIVATE KEY-----\n',
     '2WBM3IwL/a1F4QZqaPmrbwjCSweIZXTYgs5c9tMTw+4ykeAXMWrc0xTs+q86C54FLVMSD2Ar5NM0S8zb0AUIog=='),
    ('-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgohuDWdiwoKkBmG/x\nIM6PeSGDrmrqGE3FYAP/vrM/CAqhRANCAATPcs0i7QfBUG3k5DcTsL0b1t/U3tFH\nE9n1JQO90RYMljDsFd0KZTvIFBsMWJkTY7O6Dhls9FXkEHA9HePHw74B\n-----END PRIVATE KEY-----\n',
     'z3LNIu0HwVBt5OQ3E7C9G9bf1N7RRxPZ9SUDvdEWDJYw7BXdCmU7yBQbDFiZE2Ozug4ZbPRV5BBwPR3jx8O+AQ=='),
]
CONF = """state: state
web:
  listen: 127.0.0.1:%d
log:
  op: op.log
dns:
  look-interval: 0
  zones:
    - {name: example.jp, file: example.jp, output: example.jp.signed}
"""


class Place:
    def __init__(self, d):
        self.d = d
        self.conf = self.path("sekisho.conf")
        self.write("sekisho.conf", CONF % house.free_port())
        self.keys = self.path("state", "keys", "example.jp.")

    def path(self, *names):
        return os.path.join(self.d, *names)

    def folder(self, name):
        os.makedirs(self.path(name), exist_ok=True)
        return self.path(name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    def tool(self, *args, **kw):
        p = subprocess.run(args, cwd=self.d, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                           timeout=house.patient(60), **kw)
        assert p.returncode == 0, p.stderr
        return p.stdout

    def run(self, *args, zone=ZONE, **kw):
        if "input" in kw:
            q = subprocess.run([house.SEKISHO, "zone", "import", zone, *args, "-c", self.conf], text=True,
                               capture_output=True, timeout=house.patient(60), **kw)
            return q.returncode, q.stdout, q.stderr
        return house.run("zone", "import", zone, *args, "-c", self.conf, **kw)

    def verdicts(self, *args, **kw):
        """{file or tag: verdict}, and the exit status."""
        code, out, err = self.run(*args, "--json", **kw)
        j = json.loads(out)
        return {k["from"] or k["tag"]: k["verdict"] for k in j["keys"]}, code, j, err

    def state(self):
        with open(os.path.join(self.keys, "state")) as f:
            return f.read()

    def files(self):
        return sorted(f for f in os.listdir(self.keys) if f != "state") if os.path.isdir(self.keys) else []


def record(path):
    with open(path) as f:
        return next(line for line in f if "DNSKEY" in line)


def have(t, tool, what):
    if shutil.which(tool) is None:
        t.skip(what, tool + " is not installed")
        return False
    return True


def test_bind(t, d):
    if not have(t, "dnssec-keygen", "keys of BIND"):
        return
    p = Place(d)
    src = p.folder("bind")
    ksk = p.tool("dnssec-keygen", "-q", "-a", "13", "-f", "KSK", "-K", src, ZONE).strip()
    zsk = p.tool("dnssec-keygen", "-q", "-a", "13", "-K", src, ZONE).strip()
    old = p.tool("dnssec-keygen", "-q", "-a", "13", "-K", src, "-P", "-3y", "-A", "-3y", "-I", "-2y", "-D", "-1y",
                 ZONE).strip()
    p.tool("dnssec-keygen", "-q", "-a", "13", "-K", src, "other.example")
    v, code, j, err = p.verdicts("--from", src)
    t.equal((v, code), ({ksk: "taken", zsk: "taken", old: "removed"}, 0), "what is in use is taken", err)
    t.equal(sorted(k["role"] for k in j["keys"] if "role" in k), ["ksk", "zsk"], "with its role")
    t.ok(not os.path.exists(p.path("state")), "without --write nothing is written")

    code, out, _ = p.run("--from", src, "--published", "-", input=record(os.path.join(src, ksk + ".key")))
    t.ok(code == 0 and out.count("published") >= 1, "the zone from a pipe", out)
    t.equal(p.run("--from", src, "--published", "-", "--list", "-")[0], 2, "one pipe is not two files")
    t.equal(p.run("--from", src, "-q")[1], "", "-q says nothing")
    one = p.write("one", record(os.path.join(src, ksk + ".key")))
    v, code, _, _ = p.verdicts("--from", src, "--published", one)
    t.equal((v, code), ({ksk: "taken", zsk: "unpublished", old: "removed"}, 0), "the zone says what is in use")
    v, _, _, _ = p.verdicts("--from", src, "--published", one, "--unpublished")
    t.equal(v[zsk], "taken", "--unpublished")
    private = os.path.join(src, zsk + ".private")
    os.rename(private, private + "x")
    both = p.write("both", record(os.path.join(src, ksk + ".key")) + record(os.path.join(src, zsk + ".key")))
    code, out, err = p.run("--from", src, "--published", both, "--write")
    t.ok(code == 1 and not os.path.exists(p.keys), "a key of the zone without its private half: nothing is written",
         out + err)
    os.rename(private + "x", private)

    code, out, err = p.run("--from", src, "--published", both, "--write")
    t.equal(code, 0, "--write", out + err)
    t.equal(p.files(), sorted(k + e for k in (ksk, zsk) for e in (".key", ".pem")), "the files")
    modes = {f: stat.S_IMODE(os.stat(os.path.join(p.keys, f)).st_mode) for f in p.files() + ["state"]}
    t.equal({m for f, m in modes.items() if not f.endswith(".key")}, {0o600}, "private ones and the state 0600")
    t.equal(stat.S_IMODE(os.stat(p.keys).st_mode), 0o700, "the folder 0700")
    t.equal(record(os.path.join(p.keys, ksk + ".key")).split()[-1],
            "".join(record(os.path.join(src, ksk + ".key")).split()[6:]), "the same DNSKEY")
    t.ok(re.search(r"unproven", p.state()), "the state believes nothing", p.state())
    before = p.state()
    t.equal(p.run("--from", src, "--published", both, "--write")[0], 0, "again")
    t.equal((p.state(), len(p.files())), (before, 4), "changes nothing")
    code, out, _ = house.run("zone", "status", "-c", p.conf, "--json")
    t.equal(sorted((k["role"], k["tag"]) for k in json.loads(out)["zones"][0]["keys"]),
            [("KSK", int(ksk[-5:])), ("ZSK", int(zsk[-5:]))], "zone status shows them")

    shutil.copy(os.path.join(src, old + ".private"), private)
    v, code, j, _ = p.verdicts("--from", src)
    t.ok(zsk not in v and code == 1 and "KEYRING_MISMATCH" in [f["code"] for f in j["findings"]],
         "a private key that is another one: refused", str(j))


def test_ldns(t, d):
    if not have(t, "ldns-keygen", "keys of ldns"):
        return
    p = Place(d)
    src = p.folder("ldns")
    name = p.tool("ldns-keygen", "-a", "RSASHA256", "-b", "1024", "-k", ZONE, **{}).strip()
    for end in (".key", ".private"):
        shutil.move(p.path(name + end), src)
    v, code, j, err = p.verdicts("--from", src)
    t.equal((v, code, j["keys"][0]["role"]), ({name: "taken"}, 0, "csk"), "a key of ldns, alone: a CSK", err)
    p.run("--from", src, "--write")
    t.ok(p.files() == [name + ".key", name + ".pem"] and house.run("zone", "status", "-c", p.conf)[0] == 0,
         "is written", str(p.files()))


def test_knot(t, d):
    if not have(t, "keymgr", "keys of Knot"):
        return
    p = Place(d)
    os.makedirs(p.path("db"))
    conf = p.write("knot.conf", "server:\n  rundir: %s\ndatabase:\n  storage: %s\nzone:\n  - domain: %s\n"
                   % (d, p.path("db"), ZONE))

    def keymgr(*args):
        return p.tool("keymgr", "-x", "-c", conf, *args)

    ids = [keymgr(ZONE, "generate", *a).split()[-1] + ".pem" for a in
           (["algorithm=13", "ksk=yes"], ["algorithm=13", "zsk=yes"], ["algorithm=8", "size=2048", "ksk=yes", "zsk=yes"])]
    src = p.path("db", "keys", "keys")
    lists = [p.write("list", keymgr(ZONE, "list")), p.write("list-e", keymgr("-e", ZONE, "list"))]
    for n in lists:
        v, code, j, err = p.verdicts("--from", src, "--list", n)
        t.equal((v, code), ({i: "taken" for i in ids}, 0), "by keymgr's list", err)
        t.equal(sorted(k["role"] for k in j["keys"]), ["csk", "ksk", "zsk"], "with its roles")
    tags = {k["from"]: k["tag"] for k in j["keys"]}
    published = p.write("zone", keymgr(ZONE, "dnskey", str(tags[ids[0]])))
    v, _, _, err = p.verdicts("--from", src, "--published", published)
    t.equal(v, {ids[0]: "taken", ids[1]: "no-record", ids[2]: "no-record"}, "by the zone alone", err)
    t.equal(p.verdicts("--from", src)[0], {i: "no-record" for i in ids}, "with neither, no file is taken for a key")

    with open(lists[1]) as f:
        text = f.read()
    wrong = p.write("wrong", text.replace("tag=%05d" % tags[ids[0]], "tag=%05d" % (tags[ids[0]] ^ 1)))
    t.equal(p.verdicts("--from", src, "--list", wrong)[0][ids[0]], "tag", "a list of other keys: told")
    os.rename(os.path.join(src, ids[0]), os.path.join(src, "x"))
    shutil.copy(os.path.join(src, ids[1]), os.path.join(src, ids[0]))
    v, code, _, _ = p.verdicts("--from", src, "--list", lists[1])
    t.ok(v[ids[0]] == "tag" and code == 1, "a file in another's place: not taken", str(v))
    with open(os.path.join(src, ids[0]), "w") as f:
        f.write("no key\n")
    t.equal(p.verdicts("--from", src, "--list", lists[0])[0][ids[0]], "unreadable", "a file that is no key")
    os.remove(os.path.join(src, ids[0]))
    t.equal(p.verdicts("--from", src, "--list", lists[0])[0][ids[0]], "no-private", "a file that is not there")
    t.equal(p.run("--from", src, "--list", p.write("bad", "what is this\n"))[0], 3, "a list of nobody")


class Token(Place):
    def __init__(self, d, module):
        super().__init__(d)
        self.module = module
        self.env = dict(os.environ, SOFTHSM2_CONF=self.path("softhsm2.conf"))
        self.folder("tokens")
        self.write("softhsm2.conf", "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n"
                   % self.path("tokens"))
        os.chmod(self.write("pin", PIN + "\n"), 0o600)
        self.tool("softhsm2-util", "--init-token", "--free", "--label", "ods", "--pin", PIN, "--so-pin", PIN, env=self.env)

    def make(self, ident, kind):
        self.tool("pkcs11-tool", "--module", self.module, "--login", "--pin", PIN, "--token-label", "ods",
                  "--keypairgen", "--key-type", kind, "--id", ident, "--label", ident, env=self.env)

    def look(self, *args):
        return self.verdicts("--pkcs11", self.module, "--pin-file", self.path("pin"), *args, env=self.env)


def test_token(t, d):
    module = next((m for m in MODULES if os.path.exists(m)), None)
    if module is None or not have(t, "softhsm2-util", "keys of OpenDNSSEC") or not have(t, "pkcs11-tool", "keys in a token"):
        return
    p = Token(d, module)
    ksk, zsk, other = "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "ffeeddccbbaa99887766554433221100", "00112233445566778899aabbccddeeff"
    p.make(ksk, "EC:prime256v1")
    p.make(zsk, "EC:prime256v1")
    p.make(other, "EC:prime256v1")
    # Only the keys know their tags: they are asked one by one, by a list with a wrong one.
    tags = {}
    for ident, role, alg in ((ksk, "KSK", 13), (zsk, "ZSK", 13)):
        line = "%s;%s;active;now;256;%d;%s;SoftHSM;0\n" % (ZONE, role, alg, ident)
        v, _, j, err = p.look("--list", p.write("ods", line))
        t.ok(v == {ident: "tag"} or v == {ident: "taken"}, "a list with another tag", err)
        tags[ident] = j["keys"][0]["tag"]
    rows = "".join("%s;%s;active;waiting for ds-seen;256;%d;%s;SoftHSM;%d\n" % (ZONE, r, a, i, tags[i])
                   for i, r, a in ((ksk, "KSK", 13), (zsk, "ZSK", 13)))
    ods = p.write("ods", rows)
    v, code, j, err = p.look("--list", ods)
    t.equal((v, code), ({ksk: "taken", zsk: "taken"}, 0), "by OpenDNSSEC's list", err)
    t.equal({k["private"] for k in j["keys"]}, {"token"}, "they stay in the token")
    columns = "Keys:\nZone: Keytype: State: …\n" + "".join(
        "%-31s %-8s %-9s %-24s %-5d %-10d %-32s %-11s %d\n" % (ZONE, r, "ready", "waiting for ds-seen", 256, a, i, "SoftHSM", tags[i])
        for i, r, a in ((ksk, "KSK", 13), (zsk, "ZSK", 13)))
    t.equal(p.look("--list", p.write("columns", columns))[0], v, "also in columns")
    code, out, err = p.run("--pkcs11", module, "--pin-file", p.path("pin"), "--list", ods, "--write", env=p.env)
    uris = [f for f in p.files() if f.endswith(".uri")]
    t.ok(code == 0 and len(uris) == 2 and len(p.files()) == 4, "written: a URI and a record each", out + err)
    published = p.write("zone", "".join(record(os.path.join(p.keys, f)) for f in p.files() if f.endswith(".key")))
    v, code, _, err = p.look("--published", published)
    t.equal((v, code), ({ksk: "taken", zsk: "taken"}, 0), "by the published zone: the two among three", err)
    t.equal(p.run("--pkcs11", module, env=p.env)[0], 2, "a token alone says nothing of zones")
    gone = p.write("gone", rows.replace(ksk, "1" * 32))
    t.equal(p.look("--list", gone)[0]["1" * 32], "no-private", "a key that the token has not")


def test_service(t, d):
    if not have(t, "dnssec-keygen", "the service is told"):
        return
    p = Place(d)
    src = p.folder("bind")
    for flags in ([], ["-f", "KSK"]):
        p.tool("dnssec-keygen", "-q", "-a", "13", *flags, "-K", src, ZONE)
    h = house.House(d)
    h.program = fake_role.install(d, "key", "zone", "name")
    p.write("sekisho.conf", CONF % h.ports[1])		# it wrote its own there
    with open(p.path("told.json"), "w") as f:
        json.dump({"zones": [{"zone": "example.jp.", "state": "waits", "keys": []}]}, f)
    h.start()

    def up():
        try:
            return h.ready()
        except AssertionError:
            return False

    assert house.wait_for(up, 30), h.log()
    code, out, err = p.run("--from", src, "--write")
    t.equal(code, 0, "written while the service runs", out + err)
    with open(p.path("said.jsonl")) as f:
        said = [json.loads(line) for line in f]
    t.equal([(s["verb"], s["zone"]) for s in said], [("import-done", "example.jp.")], "which is told to read its folder")
    t.ok(len(p.files()) == 5 and not os.path.exists(os.path.join(p.keys, "state")), "and keeps the state itself")
    with open(os.path.join(p.keys, "imported")) as f:
        t.ok(f.read().count("\nkey ") == 2, "but gets what was found out about the keys")
    with open(p.path("answers.json"), "w") as f:
        json.dump({"import-done": [3, "its keys cannot be used; see the log"]}, f)
    t.equal(p.run("--from", src, "--write")[0], 1, "what it does not take is told")
    t.equal(p.run("--from", src, "--write", zone="b.example")[0], 1, "no keys of another zone")
    h.stop()
    shutil.rmtree(p.keys)
    os.remove(os.path.join(d, "programs", "src", "role", "sekisho-key"))
    h.start()
    assert house.wait_for(lambda: "cannot start" in h.log(), 30), h.log()
    code, _, err = p.run("--from", src, "--write")
    t.ok(code == 3 and not os.path.exists(p.keys), "a service whose key role is down: nothing is written", err)


def codes(j):
    return sorted(f["code"] for f in j["findings"] if f["severity"] == "REJECT")


def wall(seconds):
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + seconds))


def test_bind_times(t, d):
    """What dnssec-settime and a dnssec-policy planned is kept, in the state and for a service."""
    if not have(t, "dnssec-settime", "BIND's times"):
        return
    p = Place(d)
    src = p.folder("bind")
    ksk = p.tool("dnssec-keygen", "-q", "-a", "13", "-f", "KSK", "-K", src, ZONE).strip()
    zsk = p.tool("dnssec-keygen", "-q", "-a", "13", "-K", src, "-A", "-20d", "-I", "+10d", "-D", "+20d", ZONE).strip()
    end = int(p.tool("dnssec-settime", "-K", src, "-u", "-p", "I", zsk).split()[-1])
    spare = p.tool("dnssec-keygen", "-q", "-a", "13", "-K", src, "-P", "now", "-A", "none", ZONE).strip()
    nxt = p.tool("dnssec-keygen", "-q", "-K", src, "-S", os.path.join(src, zsk), "-i", "5d").strip()
    v, code, j, err = p.verdicts("--from", src, "--write")
    rows = {k["from"]: k for k in j["keys"]}
    t.equal((v, code), ({k: "taken" for k in (ksk, zsk, spare, nxt)}, 0), "in the middle of a roll by time: taken", err)
    t.equal({k: rows[k]["use"] for k in rows}, {ksk: "used", zsk: "used", spare: "standby", nxt: "coming"}, "as what they are")
    t.equal((rows[zsk]["end"], rows[ksk]["end"]), (end, None), "with the end that is planned")
    t.ok([f["code"] for f in j["findings"]] == ["IMPORT_POLICY"], "and told that the policy wants others", str(j["findings"]))
    state = p.state()
    keys = {int(line.split()[4]): line.split() for line in state.splitlines() if line.startswith("key ")}
    tag = {k: int(k[-5:]) for k in rows}
    t.ok(re.search(r"^end %s %d$" % (keys[tag[zsk]][1], end), state, re.M), "the state has it", state)
    t.equal((keys[tag[nxt]][8], keys[tag[zsk]][9]), (keys[tag[zsk]][1], keys[tag[nxt]][1]), "and who follows whom", state)
    t.equal((keys[tag[nxt]][11], keys[tag[spare]][7]), ("never", "standby"), "none that was not used counts as used", state)

    # A dnssec-policy: its states say more than times.
    p.tool("dnssec-settime", "-s", "-K", src, "-g", "omnipresent", "-k", "omnipresent", "now", "-z", "omnipresent", "now",
           "-I", wall(3 * 86400), zsk)
    _, _, j, _ = p.verdicts("--from", src)
    new = next(k["end"] for k in j["keys"] if k["from"] == zsk)
    t.ok(abs(new - time.time() - 3 * 86400) < 600, "a .state file says when", str(new))
    p.tool("dnssec-settime", "-s", "-K", src, "-g", "hidden", "-k", "omnipresent", "now", "-z", "unretentive", "now",
           "-I", "now", "-D", wall(9 * 86400), zsk)
    removed = next(x for x in open(os.path.join(src, zsk + ".state")) if x.startswith("Removed: ")).split()[1]
    _, code, j, _ = p.verdicts("--from", src)
    again = [f for f in j["findings"] if f["code"] == "IMPORT_ROLLING"]
    t.ok(code == 1 and len(again) == 1 and removed[:8] in json.dumps(again).replace("-", ""),
         "signatures that are being replaced: not now, but then", str(j["findings"]) + removed)
    p.write("bind/" + zsk + ".state", "Algorithm: 13\nGoalState: perhaps\n")
    t.ok("IMPORT_STATE" in codes(p.verdicts("--from", src)[2]), "a .state that says nonsense")


def test_refused(t, d):
    """Each reason has its code, and nothing is written."""
    if not have(t, "dnssec-keygen", "refusals"):
        return
    p = Place(d)
    src = p.folder("bind")
    ksk = p.tool("dnssec-keygen", "-q", "-a", "13", "-f", "KSK", "-K", src, ZONE).strip()
    zsk = p.tool("dnssec-keygen", "-q", "-a", "13", "-K", src, ZONE).strip()
    private = os.path.join(src, zsk + ".private")

    def look(code, what, *args, zone=ZONE):
        v, rc, j, err = p.verdicts(*args, "--write", zone=zone)
        t.ok(code in codes(j) and rc == 1 and not os.path.exists(p.keys), what, str(j) + err)

    os.chmod(private, 0o644)
    look("IMPORT_OPEN", "a private key that all may read", "--from", src)
    os.chmod(private, 0o640)
    t.equal(p.verdicts("--from", src)[1], 0, "that a group may read, is told only")
    os.chmod(private, 0o600)
    os.rename(private, private + "x")
    p.write("bind/" + zsk + ".private", "Private-key-format: v1.3\nAlgorithm: 13\nPrivateKey: AAAA\n")
    look("KEYRING_PRIVATE", "one that is no key", "--from", src)
    os.rename(private + "x", private)

    alone = p.folder("alone")
    for end in (".key", ".private"):
        shutil.copy(os.path.join(src, zsk + end), alone)
    look("IMPORT_NO_SIGNER", "a ZSK without its KSK", "--from", alone)
    other = p.folder("other")
    for end in (".key", ".private"):
        shutil.copy(os.path.join(src, ksk + end), os.path.join(other, ksk.replace("example", "elsewhere") + end))
    look("IMPORT_OTHER", "a file under another name", "--from", other, zone="elsewhere.jp")

    twins = p.folder("twins")
    for i, (pem, _) in enumerate(TWINS):
        p.write("twins/%d.pem" % i, pem)
        os.chmod(os.path.join(twins, "%d.pem" % i), 0o600)
    zone = p.write("twins.zone", "".join("example.jp. 60 IN DNSKEY 257 3 13 %s\n" % k for _, k in TWINS))
    look("IMPORT_TAGS", "two keys with one tag", "--from", twins, "--published", zone)
    zone = p.write("old.zone", "example.jp. 60 IN DNSKEY 257 3 5 " + TWINS[0][1] + "\n")
    look("IMPORT_ALGORITHM", "an algorithm with which nobody may sign", "--from", src, "--published", zone, "--partial")

    sig = "%s 60 IN RRSIG %s 13 2 60 20361206205330 20261122195330 %d example.jp. AAAA\n"
    keys = "".join(record(os.path.join(src, k + ".key")) for k in (ksk, zsk))
    nxt = p.tool("dnssec-keygen", "-q", "-a", "13", "-K", src, ZONE).strip()
    tag = {k: int(k[-5:]) for k in (ksk, zsk, nxt)}
    begin = keys + record(os.path.join(src, nxt + ".key")) + sig % (ZONE + ".", "DNSKEY", tag[ksk])
    mixed = p.write("mixed", begin + sig % (ZONE + ".", "SOA", tag[nxt]) + sig % ("www." + ZONE + ".", "A", tag[zsk]))
    v, code, j, _ = p.verdicts("--from", src, "--published", mixed)
    t.ok(codes(j) == ["IMPORT_ROLLING"] and "2036-12-06" in json.dumps(j), "a zone with some signatures of each", str(j))
    whole = p.write("whole", begin + sig % (ZONE + ".", "SOA", tag[nxt]) + sig % ("www." + ZONE + ".", "A", tag[nxt]))
    v, code, j, err = p.verdicts("--from", src, "--published", whole)
    t.equal((code, codes(j)), (0, []), "and with those of the new one alone", err)
    half = p.write("half", keys + sig % (ZONE + ".", "SOA", tag[zsk]) + sig % (ZONE + ".", "DNSKEY", tag[zsk]))
    os.rename(os.path.join(src, zsk + ".private"), os.path.join(src, "x"))
    look("IMPORT_NO_SIGNER", "the key that signs is not there", "--from", src, "--published", half, "--partial")

    db = p.write("kasp.db", "SQLite format 3\0" + "\0" * 100)
    v, code, j, err = None, *p.run("--from", src, "--list", db, "--json")
    t.ok(code == 1 and "IMPORT_DATABASE" in j and "ods-enforcer key list -v -p -z example.jp." in j,
         "a database in place of a list: which command prints it", j + err)
    p.write("bind/data.mdb", "")
    v, code, j, _ = p.verdicts("--from", src)
    t.ok(codes(j) == ["IMPORT_DATABASE"] and "keymgr -c /etc/knot/knot.conf -j example.jp. list" in json.dumps(j),
         "the folder of Knot's database: the same", str(j))


def test_knot_states(t, d):
    """Every state that keymgr can be told of, and what becomes of the key."""
    if not have(t, "keymgr", "keys of Knot in each state"):
        return
    p = Place(d)
    os.makedirs(p.path("db"))
    conf = p.write("knot.conf", "server:\n  rundir: %s\ndatabase:\n  storage: %s\nzone:\n  - domain: %s\n"
                   % (d, p.path("db"), ZONE))

    def keymgr(*args):
        return p.tool("keymgr", "-x", "-c", conf, *args)

    rows = [("ksk=yes publish=-400d ready=-399d active=-399d", "taken", "used"),
            ("ksk=yes publish=-2d ready=-1d active=+300d", "taken", "coming"),
            ("zsk=yes publish=-60d active=-59d retire=-30d remove=-29d", "removed", None),
            ("zsk=yes publish=-30d active=-29d retire=-1d remove=+1d", "taken", "leaving"),
            ("zsk=yes publish=-2d active=-1d retire=+10d remove=+11d", "taken", "used"),
            ("zsk=yes publish=-1h active=+10d", "taken", "coming")]
    want, use = {}, {}
    for kind, verdict, now in rows:
        name = keymgr(ZONE, "generate", "algorithm=13", *kind.split()).split()[-1] + ".pem"
        want[name] = verdict
        use[name] = now
    for args in ([], ["-e"], ["-j"]):
        v, code, j, err = p.verdicts("--from", p.path("db", "keys", "keys"), "--list", p.write("list", keymgr(*args, ZONE, "list")))
        t.equal((v, code), (want, 0), "keymgr %s: verdicts" % args, err)
        t.equal({k["from"]: k.get("use") for k in j["keys"]}, use, "keymgr %s: uses" % args)
    ends = [k["end"] for k in j["keys"] if k.get("use") == "used" and k["role"] == "zsk"]
    t.ok(len(ends) == 1 and abs(ends[0] - time.time() - 10 * 86400) < 600, "the end of the ZSK in use", str(ends))
    t.equal(p.run("--from", p.path("db", "keys", "keys"), "--list", p.write("list", keymgr("-j", ZONE, "list")), zone="other.jp")[0],
            1, "a list of another zone")
    t.equal(p.run("--from", p.path("db", "keys", "keys"), "--list", p.write("list", keymgr(ZONE, "list", "human")))[0], 3,
            "times in words of people are not guessed")


def test_usage(t, d):
    p = Place(d)
    for what, args in (("no place", []), ("a token without a list", ["--pkcs11", "/lib/x.so"])):
        t.equal(p.run(*args)[0], 2, "wrong usage: " + what)
    t.equal(p.run("--from", d, zone="a..b")[0], 2, "wrong usage: no name")
    t.equal(p.run("--from", p.path("none"))[0], 3, "a folder that is not there")
    t.equal(p.run("--from", p.folder("empty"))[0], 1, "an empty folder: nothing can be taken")
    bad = p.write("bad", "example.jp. DNSKEY 257 3 13 !!\n")
    t.equal(p.run("--from", p.folder("empty"), "--published", bad)[0], 1, "a zone with an error")


if __name__ == "__main__":
    sys.exit(house.cases(test_bind, test_ldns, test_knot, test_token, test_service, test_bind_times, test_refused,
                         test_knot_states, test_usage))
