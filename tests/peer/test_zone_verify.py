#!/usr/bin/env python3
"""Who sees what is wrong with a signed zone: sekisho zone verify beside
dnssec-verify (BIND), ldns-verify-zone and kzonecheck (Knot). Ours rejects
every spoilt zone with the right code, and takes every zone that the others
sign; what they miss, or refuse though it is legal, is listed with the reason in
zone_verify_peers.tsv, and held to."""
import json
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import odd_zones
import peers
from tap import Tap

# name, denial, script (tests/unit/dnssec/audit_kit.h), our code
DS = "1 13 2 000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"
SPOILT = [
    ("bad-signature", "nsec", "flip mail A", "DNS_SIG_BAD"),
    ("other-data", "nsec", "set mail A 192.0.2.99", "DNS_SIG_BAD"),
    ("record-more", "nsec", "add mail A 192.0.2.99", "DNS_SIG_BAD"),
    ("record-less", "nsec", "set two A 192.0.2.7", "DNS_SIG_BAD"),
    ("no-signature", "nsec", "unsign mail A", "DNS_SIG_MISSING"),
    ("no-signature-ds", "nsec", "unsign sec DS", "DNS_SIG_MISSING"),
    ("no-signature-nsec3", "nsec3", "unsign #mail NSEC3", "DNS_SIG_MISSING"),
    ("expired", "nsec", "sign mail A exp=-10", "DNS_SIG_EXPIRED"),
    ("not-yet-valid", "nsec", "sign mail A inc=7200", "DNS_SIG_EARLY"),
    ("wrong-key", "nsec", "sign mail A key=x", "DNS_SIG_NO_KEY"),
    ("wrong-signer", "nsec", "sign mail A signer=mail.example.", "DNS_SIG_SIGNER"),
    ("wrong-labels", "nsec", "sign mail A labels=1", "DNS_SIG_LABELS"),
    ("ttl", "nsec", "ttl mail A 60;sigttl mail A 60", "DNS_SIG_TTL_ORIGINAL"),
    ("ttl-raised", "nsec", "ttl mail A 7200;sigttl mail A 7200", "DNS_SIG_TTL_ORIGINAL"),
    ("original-ttl", "nsec", "sign mail A ttl=60", "DNS_SIG_TTL_ORIGINAL"),
    ("signature-ttl", "nsec", "sigttl mail A 60", "DNS_SIG_TTL"),
    ("orphan", "nsec", "del two MX", "DNS_BITMAP_EXTRA"),
    ("orphan-alone", "nsec", "add q A 192.0.2.1;sign q A;del q A", "DNS_DENIAL_EXTRA"),
    ("rrset-gone", "nsec", "drop two MX", "DNS_BITMAP_EXTRA"),
    ("rrset-new", "nsec", "add two TXT x;sign two TXT", "DNS_BITMAP_MISSING"),
    ("bit-gone", "nsec", "set mail NSEC ns1.example. RRSIG NSEC;sign mail NSEC", "DNS_BITMAP_MISSING"),
    ("bit-more", "nsec", "set mail NSEC ns1.example. A AAAA RRSIG NSEC;sign mail NSEC", "DNS_BITMAP_EXTRA"),
    ("gap", "nsec", "set mail NSEC sec.example. A RRSIG NSEC;sign mail NSEC", "DNS_CHAIN_GAP"),
    ("next-nowhere", "nsec", "set mail NSEC nn.example. A RRSIG NSEC;sign mail NSEC", "DNS_CHAIN_NEXT"),
    ("loop", "nsec", "set mail NSEC dn.example. A RRSIG NSEC;sign mail NSEC", "DNS_CHAIN_LOOP"),
    ("nsec-gone", "nsec", "drop mail NSEC", "DNS_DENIAL_MISSING"),
    ("nsec-at-empty", "nsec", "add b.ent NSEC c.ent.example. RRSIG NSEC;sign b.ent NSEC", "DNS_DENIAL_EXTRA"),
    ("nsec-at-glue", "nsec", "add ns.sub NSEC two.example. A RRSIG NSEC", "DNS_DENIAL_EXTRA"),
    ("name-new", "nsec", "add new A 192.0.2.1;sign new A", "DNS_DENIAL_MISSING"),
    ("name-gone", "nsec", "node mail", "DNS_CHAIN_NEXT"),
    ("glue-signed", "nsec", "sign ns.sub A", "DNS_SIG_GLUE"),
    ("ns-signed", "nsec", "sign sub NS", "DNS_SIG_GLUE"),
    ("nsec3-skipped", "nsec3", "skip #mail", "DNS_DENIAL_MISSING"),
    ("nsec3-empty-skipped", "nsec3", "skip #b.ent", "DNS_DENIAL_ENT"),
    ("nsec3-planted", "nsec3", "plant #nothere", "DNS_DENIAL_EXTRA"),
    ("nsec3-glue-planted", "nsec3", "plant #ns.sub", "DNS_DENIAL_EXTRA"),
    ("nsec3-salt", "nsec3", "n3 #mail salt=AB;sign #mail NSEC3", "DNS_NSEC3_PARAM"),
    ("nsec3-bit-gone", "nsec3", "n3 #mail types=RRSIG;sign #mail NSEC3", "DNS_BITMAP_MISSING"),
    ("nsec3-bit-more", "nsec3", "n3 #mail types=A,MX,RRSIG;sign #mail NSEC3", "DNS_BITMAP_EXTRA"),
    ("nsec3-next", "nsec3", "n3 #mail next=#nothere;sign #mail NSEC3", "DNS_CHAIN_NEXT"),
    ("nsec3-name-gone", "nsec3", "node c.ent", "DNS_DENIAL_EXTRA"),
    ("nsec3param-salt", "nsec3", "set @ NSEC3PARAM 1 0 0 AB;sign @ NSEC3PARAM", "DNS_NSEC3PARAM_MISMATCH"),
    ("opt-out-cleared", "opt-out", "clear #ins", "DNS_OPTOUT_COVER"),
    ("opt-out-skipped", "opt-out", "skip #mail", "DNS_OPTOUT_SPAN"),
    ("opt-out-secure-skipped", "opt-out", "skip #sec", "DNS_OPTOUT_SPAN"),
    ("unsigned-algorithm", "nsec", "add @ DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=;sign @ DNSKEY",
     "DNS_SIG_ALG_MISSING"),
    ("ds-silent", "nsec", "sign @ DNSKEY key=z", "DNS_DS_SILENT"),
    ("cds-wrong", "nsec", "set @ CDS %xd;set @ CDNSKEY %xk;sign @ CDS;sign @ CDNSKEY", "DNS_CDS_BREAKS"),
    ("cds-differ", "nsec", "add @ CDNSKEY %zk;sign @ CDNSKEY", "DNS_CDS_DIFFER"),
    ("cds-delete-mixed", "nsec", "add @ CDS 0 0 0 00;sign @ CDS", "DNS_CDS_DELETE_MIXED"),
    ("ds-without-ns", "nsec", "add mail DS " + DS + ";sign mail DS;set mail NSEC ns1.example. A DS RRSIG NSEC;sign mail NSEC",
     "DNS_DS_WITHOUT_NS"),
]
# Several chains, and a change of denial: what RFC 5155 sections 7.3, 10.4 and 10.5 allow, and faults in it.
PARAM2 = "add @ NSEC3PARAM 1 0 0 AB;sign @ NSEC3PARAM"
TWO = "also @ nsec3 AB;" + PARAM2
APEX = "set @ NSEC dn.example. NS SOA MX RRSIG NSEC DNSKEY %sCDS CDNSKEY;ttl @ NSEC 300;sign @ NSEC"
BOTH = "also @ nsec;" + APEX % "NSEC3PARAM "
LEGAL = [
    ("two-chains", "nsec3", TWO),
    ("two-chains-opt-out", "nsec3", "also @ opt-out AB;" + PARAM2),
    ("second-growing", "nsec3", "also @ nsec3 AB;drop #mail/AB NSEC3;drop #two/AB NSEC3"),
    ("second-whole", "nsec3", "also @ nsec3 AB"),
    ("to-nsec3", "nsec", "also @ nsec3"),
    ("to-nsec3-growing", "nsec", "also @ nsec3;drop #mail NSEC3;drop #two NSEC3"),
    ("nsec3-and-nsec", "nsec3", BOTH),
    ("nsec3-nsec-going", "nsec3", BOTH + ";drop mail NSEC;drop @ NSEC"),
    ("to-nsec", "nsec3", "also @ nsec;drop @ NSEC3PARAM;" + APEX % ""),
]
SPOILT += [
    ("second-skipped", "nsec3", TWO + ";skip #mail/AB", "DNS_DENIAL_MISSING"),
    ("second-empty-skipped", "nsec3", TWO + ";skip #b.ent/AB", "DNS_DENIAL_ENT"),
    ("second-planted", "nsec3", TWO + ";plant #nothere/AB", "DNS_DENIAL_EXTRA"),
    ("second-bit-gone", "nsec3", TWO + ";n3 #mail/AB types=RRSIG;sign #mail/AB NSEC3", "DNS_BITMAP_MISSING"),
    ("second-gap", "nsec3", TWO + ";n3 #mail/AB next=#two/AB;sign #mail/AB NSEC3", "DNS_CHAIN_GAP"),
    ("second-unsigned", "nsec3", "also @ nsec3 AB;unsign #mail/AB NSEC3", "DNS_SIG_MISSING"),
    ("second-param-no-chain", "nsec3", PARAM2, "DNS_NSEC3PARAM_MISMATCH"),
    ("beside-nsec-skips", "nsec3", BOTH + ";set mail NSEC sec.example. A RRSIG NSEC;sign mail NSEC", "DNS_CHAIN_GAP"),
    ("beside-nsec3-gone", "nsec3", BOTH + ";skip #mail", "DNS_DENIAL_MISSING"),
    ("beside-nsec-gone", "nsec", "also @ nsec3;drop mail NSEC", "DNS_DENIAL_MISSING"),
]
PEERS = {
    "dnssec-verify": lambda path: ["-q", "-o", "example.", path],
    "ldns-verify-zone": lambda path: [path],
    "kzonecheck": lambda path: ["-d", "on", "-o", "example.", path],
}
# (signer, zone): what we reject in what it signed, and why that is right
THEIRS = {
    ("kzonesign", "zeros"): ({"DNS_CHAIN_GAP", "DNS_CHAIN_LOOP"},
                             "3.2.6 sorts \\000\\000 before a.\\000; RFC 4034 section 6.1: the label \\000 comes first"),
    ("kzonesign", "below-dname"): ({"DNS_CHAIN_NEXT", "DNS_DENIAL_EXTRA", "DNS_SIG_GLUE"},
                                   "it signs names below a DNAME; RFC 6672 section 2.4: there are none"),
}
t = Tap()


def listed(peer, what):
    """{zone: why}, of zone_verify_peers.tsv."""
    with open(os.path.join(HERE, "zone_verify_peers.tsv")) as f:
        rows = [line.rstrip("\n").split("\t") for line in f if not line.startswith("#")]
    return {r[2]: r[3] for r in rows if r[:2] == [peer, what]}


def ours(path, *more):
    """(state, codes that reject) of our own."""
    r = peers.run([peers.sekisho(), "zone", "verify", "--json", path] + list(more))
    if not r.out.startswith("{"):
        raise RuntimeError("%s: %s" % (path, r.out + r.err))
    doc = json.loads(r.out)
    return doc["state"], {g["code"] for g in doc["groups"] if g["severity"] == "REJECT"}


def tool():
    return os.environ.get("SEKISHO_ZONE_SPOIL") or os.path.join(peers.BUILD, "tests", "peer", "zone_spoil")


def spoil(folder):
    lines = "".join("%s\t%s\t%s\n" % row[:3] for row in SPOILT + LEGAL)
    lines += "".join("good-%s\t%s\tttl mail A 3600\n" % (d, d) for d in ("nsec", "nsec3", "opt-out"))
    out = subprocess.run([tool(), folder, str(int(time.time()))], input=lines, text=True, check=True,
                         stdout=subprocess.PIPE, timeout=60).stdout
    return dict(line.split("\t") for line in out.splitlines())


def sees(peer, path):
    return peers.run([peers.find(peer)] + PEERS[peer](path)).status != 0


def table(folder):
    ds = spoil(folder)
    there = [p for p in PEERS if not peers.missing(p)]
    for p in set(PEERS) - set(there):
        t.skip(p, "it is not installed")
    faults = []
    for d in ("nsec", "nsec3", "opt-out"):
        path = os.path.join(folder, "good-%s.zone" % d)
        faults += ["ours refuses good-" + d] if ours(path, "--ds", ds["good-" + d])[0] != "good" else []
        faults += ["%s refuses good-%s" % (p, d) for p in there if sees(p, path)]
    t.none(faults, "all take the zones before they are spoilt")
    wrong, missed = [], {p: set() for p in there}
    t.diag("%-24s %s" % ("", "  ".join(["sekisho"] + there)))
    for name, _, _, code in SPOILT:
        path = os.path.join(folder, name + ".zone")
        state, codes = ours(path, "--ds", ds[name])
        if state != "bad" or code not in codes:
            wrong.append("%s: %s %s, not %s" % (name, state, sorted(codes), code))
        seen = {p: sees(p, path) for p in there}
        for p in there:
            if not seen[p]:
                missed[p].add(name)
        t.diag("%-24s %s" % (name, "  ".join(["yes    "] + [("yes" if seen[p] else "-").ljust(len(p)) for p in there])))
    t.none(wrong, "ours rejects all %d, each with its code" % len(SPOILT))
    for p in there:
        known = set(listed(p, "misses"))
        t.none(sorted(missed[p] - known), "what %s misses is what we know of" % p)
        if known - missed[p]:
            t.diag("%s sees now: %s" % (p, ", ".join(sorted(known - missed[p]))))


def legal(folder):
    """Zones with more than one chain: who takes them, and who is known not to."""
    ds = spoil(folder)
    wrong, refused = [], {p: set() for p in PEERS if not peers.missing(p)}
    for name, _, _ in LEGAL:
        path = os.path.join(folder, name + ".zone")
        state, codes = ours(path, "--ds", ds[name])
        if state != "good":
            wrong.append("%s: %s %s" % (name, state, sorted(codes)))
        seen = {p: sees(p, path) for p in refused}
        for p in refused:
            if seen[p]:
                refused[p].add(name)
        t.diag("%-24s %s" % (name, "  ".join(["takes  "] + [("-" if seen[p] else "takes").ljust(len(p)) for p in refused])))
    t.none(wrong, "ours takes all %d" % len(LEGAL))
    for p in refused:
        t.none(sorted(refused[p] - set(listed(p, "refuses"))), "what %s refuses is what we know of" % p)


def lists():
    """Each line of the list is of a zone that is tried."""
    names = {"misses": {r[0] for r in SPOILT}, "refuses": {r[0] for r in LEGAL}}
    wrong = ["%s %s %s" % (p, what, n) for p in PEERS for what in names for n in set(listed(p, what)) - names[what]]
    t.none(wrong, "the list of what peers say names no other zones")


# --- zones that the others sign ---

def bind_sign(folder, text, path, denial):
    flags = {"nsec": [], "nsec3": ["-3", "-"], "opt-out": ["-3", "-", "-A"]}[denial]
    keys = [peers.run([peers.find("dnssec-keygen"), "-q", "-a", "13", "-K", folder] + f + ["example."]).out.strip()
            for f in (["-f", "KSK"], [])]
    src = path + ".src"
    with open(src, "w") as f:
        f.write(text + "".join("$INCLUDE %s.key\n" % os.path.join(folder, k) for k in keys))
    return peers.run([peers.find("dnssec-signzone"), "-q", "-K", folder, "-d", folder, "-o", "example.", "-f", path] + flags + [src] + keys)


def ldns_sign(folder, text, path, denial):
    flags = {"nsec": [], "nsec3": ["-n", "-t", "0"], "opt-out": ["-n", "-p", "-t", "0"]}[denial]
    keys = [subprocess.run([peers.find("ldns-keygen"), "-a", "ECDSAP256SHA256"] + f + ["example."], cwd=folder,
                           check=True, stdout=subprocess.PIPE, text=True).stdout.strip() for f in (["-k"], [])]
    src = path + ".src"
    with open(src, "w") as f:
        f.write("$ORIGIN example.\n" + text)
    return peers.run([peers.find("ldns-signzone"), "-f", path, "-o", "example."] + flags + [src] +
                     [os.path.join(folder, k) for k in keys])


def knot_sign(folder, text, path, denial):
    store = tempfile.mkdtemp(dir=folder)
    conf = os.path.join(store, "knot.conf")
    with open(os.path.join(store, "example.zone"), "w") as f:
        f.write("$ORIGIN example.\n" + text)
    with open(conf, "w") as f:
        f.write("""database:
  storage: {s}
policy:
  - id: p
    algorithm: ecdsap256sha256
    nsec3: {n}
    nsec3-opt-out: {o}
    nsec3-salt-length: 0
    nsec3-iterations: 0
zone:
  - domain: example.
    file: {s}/example.zone
    storage: {s}
    dnssec-signing: on
    dnssec-policy: p
""".format(s=store, n="off" if denial == "nsec" else "on", o="on" if denial == "opt-out" else "off"))
    for ksk in ("yes", "no"):
        peers.run([peers.find("keymgr"), "-c", conf, "example.", "generate", "ksk=" + ksk, "zsk=" + ("no" if ksk == "yes" else "yes")])
    out = os.path.join(store, "out")
    os.mkdir(out)
    r = peers.run([peers.find("kzonesign"), "-c", conf, "-o", out, "example."])
    if r.status == 0:
        os.rename(os.path.join(out, "example.zone"), path)
    return r


SIGNERS = {"dnssec-signzone": (bind_sign, "dnssec-keygen"), "ldns-signzone": (ldns_sign, "ldns-keygen"),
           "kzonesign": (knot_sign, "keymgr")}


def take(folder, signer):
    sign, helper = SIGNERS[signer]
    if peers.missing(signer, helper):
        t.skip("zones that %s signs" % signer, "it is not installed")
        return
    faults, n, refused = [], 0, []
    for i, (name, origin, text) in enumerate(odd_zones.zones()):
        if origin != "example.":
            continue
        for denial in ("nsec", ("nsec3", "opt-out")[i % 2]):
            path = os.path.join(folder, "%s.%s.%s" % (signer, name, denial))
            r = sign(folder, text, path, denial)
            if r.status != 0 or not os.path.exists(path):
                refused.append("%s %s: %s" % (name, denial, (r.err + r.out).strip()[:100]))
                continue
            n += 1
            state, codes = ours(path, "--zone", "example.")
            known = THEIRS.get((signer, name), (set(), ""))[0]
            if state != "good" and (not codes or codes - known):
                faults.append("%s %s %s: %s" % (signer, name, denial, sorted(codes)))
    for r in refused:
        t.diag("%s does not sign %s" % (signer, r))
    t.ok(n >= 6, "%s signed %d zones" % (signer, n))
    t.none(faults, "we take them")




def main():
    with tempfile.TemporaryDirectory(prefix="sekisho-verify-") as folder:
        t.case(lists)
        t.case(table, folder)
        t.case(legal, folder)
        for signer in SIGNERS:
            t.case(take, folder, signer)
    return t.done()


sys.exit(main())
