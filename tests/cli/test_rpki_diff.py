#!/usr/bin/env python3
"""rpki diff: every kind of payload, every format, both ways; what one cannot tell is not compared."""
import base64
import json
import os
import sys

import house

WORLD = """
ta house {
	resources 192.0.2.0/24 198.51.100.0/24 AS64496-AS64511
	ca edo {
		resources 192.0.2.0/24 AS64496
		roa AS64496 192.0.2.0/24 name edo-v4
	}
	ca kyoto {
		resources 198.51.100.0/24 AS64497-AS64498
		roa AS64497 198.51.100.0/24 name kyoto-v4
		aspa AS64497 %s name kyoto-up
		%s
	}
}
"""
FIRST = WORLD % ("AS64500 AS64501", "router AS64497")
OTHER = WORLD % ("AS64501 AS64502", "router AS64497")
NO_KEY = WORLD % ("AS64501 AS64502", "")


def diff(*args):
    code, out, err = house.run("rpki", "diff", *args)
    return code, json.loads(out) if "--json" in args and code in (0, 1) else out + err


def counts(got, kind):
    c = got["counts"][kind]
    return (c["compared"], c["equal"], c["only_a"], c["only_b"], c["differ"])


# --- lists of others ---

SPKI = base64.b64encode(bytes([0x30]) + bytes(90)).decode()
OTHER_SPKI = base64.b64encode(bytes([0x30]) + bytes(89) + b"x").decode()
SKI = "5d4250e2d81d4448d8a29efce91d29ff075ec9e2"


def url64(hexa=None, b64=None):
    raw = bytes.fromhex(hexa) if hexa else base64.b64decode(b64)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def write(d, name, what):
    path = os.path.join(d, name)
    with open(path, "w") as f:
        f.write(what if isinstance(what, str) else json.dumps(what))
    return path


def rpki_client(vrps, aspas, keys):
    return {"metadata": {"buildtime": "x"},
            "roas": [{"asn": a, "prefix": p, "maxLength": m, "ta": "ripe", "expires": 4000000000}
                     for a, p, m in vrps],
            "bgpsec_keys": [{"asn": a, "ski": s.upper(), "pubkey": k, "ta": "ripe", "expires": 4000000000}
                            for a, s, k in keys],
            "aspas": [{"customer_asid": c, "expires": 4000000000, "providers": p} for c, p in aspas]}


def routinator(vrps, aspas, keys):
    return {"metadata": {"generated": 1},
            "roas": [{"asn": "AS%d" % a, "prefix": p, "maxLength": m, "ta": "ripe"} for a, p, m in vrps],
            "routerKeys": [{"asn": "AS%d" % a, "SKI": s, "routerPublicKey": url64(b64=k), "ta": "ripe"}
                           for a, s, k in keys],
            "aspas": [{"customer": "AS%d" % c, "providers": ["AS%d" % x for x in p], "ta": "ripe"}
                      for c, p in aspas]}


def fort(vrps, aspas, keys):
    return {"roas": [{"asn": "AS%d" % a, "prefix": p, "maxLength": m} for a, p, m in vrps]}


def fort_keys(vrps, aspas, keys):
    return {"router-keys": [{"asn": "AS%d" % a, "ski": url64(s), "spki": url64(b64=k)} for a, s, k in keys]}


def slurm(vrps, aspas, keys):
    return {"slurmVersion": 2,
            "validationOutputFilters": {"prefixFilters": [{"asn": 1}], "bgpsecFilters": [], "aspaFilters": []},
            "locallyAddedAssertions": {
                "prefixAssertions": [{"asn": a, "prefix": p, "maxPrefixLength": m} for a, p, m in vrps],
                "bgpsecAssertions": [{"asn": a, "SKI": url64(s), "routerPublicKey": url64(b64=k)}
                                     for a, s, k in keys],
                "aspaAssertions": [{"customerAsn": c, "providerAsns": p} for c, p in aspas]}}


def openbgpd(vrps, aspas, keys):
    return ("# by hand\nroa-set {\n" +
            "".join("\t%s maxlen %d source-as %d expires 4000000000\n" % (p, m, a) for a, p, m in vrps) +
            "}\n\naspa-set {\n" +
            "".join("\tcustomer-as %d provider-as { %s }\n" % (c, ", ".join(map(str, p))) for c, p in aspas) +
            "}\n")


def csv(vrps, aspas, keys):
    return "ASN,IP Prefix,Max Length,Trust Anchor\n" + "".join("AS%d,%s,%d,ripe\n" % v for v in vrps)


# What each can tell: VRPs, ASPAs, router keys.
FORMATS = {rpki_client: (1, 1, 1), routinator: (1, 1, 1), fort: (1, 0, 0), fort_keys: (0, 0, 1),
           slurm: (1, 1, 1), openbgpd: (1, 1, 0), csv: (1, 0, 0)}
A = ([(64496, "192.0.2.0/24", 24), (64497, "198.51.100.0/24", 24)], [(64496, [1, 2, 3])], [(64496, SKI, SPKI)])
B = ([(64496, "192.0.2.0/24", 25), (64499, "2001:db8::/32", 48)], [(64496, [2, 3, 4]), (64497, [5])],
     [(64496, SKI, OTHER_SPKI), (64497, SKI, SPKI)])
WANT = {"vrps": (0, 1, 1, 1), "aspas": (0, 0, 1, 1), "router_keys": (0, 1, 2, 0)}


def test_formats(t, d):
    """Each with each: the same differences, of the kinds that both can tell."""
    fine, same = [], []
    for fa, can_a in FORMATS.items():
        a = write(d, "a." + fa.__name__, fa(*A))
        for fb, can_b in FORMATS.items():
            both = [x and y for x, y in zip(can_a, can_b)]
            code, got = diff(a, write(d, "b." + fb.__name__, fb(*B)), "--json")
            if not any(both):
                fine.append((code == 3, fa.__name__, fb.__name__, code))
                continue
            want = {k: (True,) + w if yes else (False, 0, 0, 0, 0)
                    for (k, w), yes in zip(WANT.items(), both)}
            n = sum(sum(w[2:]) for w in want.values())
            fine.append((code == 1 and {k: counts(got, k) for k in WANT} == want and got["differences"] == n,
                         fa.__name__, fb.__name__, got))
            code, got = diff(a, write(d, "b." + fb.__name__, fb(*A)), "--json")
            same.append((code == 0 and got["differences"] == 0, fa.__name__, fb.__name__, got))
    t.equal([x for x in fine if not x[0]], [], "%d pairs of formats: what both can tell differs alike" % len(fine))
    t.equal([x for x in same if not x[0]], [], "and the same list is the same in each")


def test_peers(t, d):
    """Nobody's of them is ours: no causes, but all of it."""
    a, b = write(d, "a.json", rpki_client(*A)), write(d, "b.json", routinator(*B))
    code, got = diff(a, b, "--json")
    t.equal([(x["asn"], x["prefix"], x["max_length"], x["max_length_b"]) for x in got["max_length"]],
            [(64496, "192.0.2.0/24", 24, 25)], "a VRP of another length")
    t.equal(got["aspas"], [
        {"customer": 64496, "a": [1, 2, 3], "b": [2, 3, 4], "added": [4], "removed": [1], "ta": "-"},
        {"customer": 64497, "a": None, "b": [5], "ta": "ripe"}], "providers: added and removed")
    t.equal([(x["in"], x["asn"], x["ski"], x["spki"]) for x in got["router_keys"]],
            [("a", 64496, SKI, SPKI), ("b", 64497, SKI, SPKI), ("b", 64496, SKI, OTHER_SPKI)],
            "router keys, with SKI and key")
    t.equal([(x["in"], x["ta"], x["vrps"]) for x in got["tas"]], [("a", "ripe", 1), ("b", "ripe", 1)],
            "numbers by trust anchor")
    t.equal([x["format"] for x in got["sources"]], ["JSON", "JSON"], "what the files were taken for")
    code, got = diff(a, b, "--json", "--summary")
    t.ok(code == 1 and counts(got, "aspas") == (True, 0, 0, 1, 1) and "aspas" not in got, "--summary: counts", got)
    _, en = diff(a, b, "--lang", "en")
    lines = en.split("\n")
    t.ok(any("~ ASPA AS64496" in x and "+AS4 -AS1" in x for x in lines) and
         any("+ ASPA AS64497" in x and " AS5" in x for x in lines), "ASPAs in words", en)
    t.ok(any(x.startswith("- router key AS64496") and SKI in x for x in lines), "router keys in words", en)
    _, short = diff(a, b, "-s", "--lang", "en")
    t.ok("~" not in short and short.rstrip().split("\n") == lines[-len(short.rstrip().split("\n")) - 1:-1],
         "--summary: the end of it", short)
    _, ja = diff(a, b, "--lang", "ja")
    t.ok("プロバイダ" in ja and "in both" not in ja, "in Japanese", ja)
    code, out = diff(a, write(d, "b.csv", csv(*B)), "--nagios", "--crit", "3")
    t.ok(code == 2 and "aspas=0 router_keys=0" in out, "--nagios: what CSV cannot tell is no difference", out)
    code, out, err = house.run("rpki", "diff", a, write(d, "s.json", slurm(*A)), "--json")
    t.ok(code == 0 and json.loads(out)["sources"][1]["filters_ignored"] == 1 and "s.json" in err,
         "filters of a SLURM file are said to do nothing", out + err)
    bad = rpki_client(*A)
    bad["aspas"].append({"customer_asid": 7})
    code, got = diff(a, write(d, "bad.json", bad), "--json", "-q")
    t.ok(code == 0 and [x["left_out"] for x in got["sources"]] == [0, 1], "a row that is none is counted", got)


def test_cannot(t, d):
    a = write(d, "a.json", rpki_client(*A))
    deep = "[" * 5000
    cases = {"nothing there": "nowhere", "empty": write(d, "empty", ""), "junk": write(d, "junk", "\x00\x01 hello"),
             "cut": write(d, "cut", json.dumps(rpki_client(*A))[:300]), "other JSON": write(d, "x", {"a": [1]}),
             "deep": write(d, "deep", deep), "no state directory": d, "a device": "/dev/zero",
             "a bad row": write(d, "r.csv", "ASN,IP Prefix,Max Length\nAS1,10.0.0.1/8,8\n"),
             "half a set": write(d, "h.bgpd", "roa-set {\n10.0.0.0/8 source-as"),
             "a snapshot that is none": write(d, "s.snap", "SEKISNAP" + "x" * 300)}
    got = {k: diff(a, v)[0] for k, v in cases.items()}
    t.equal(got, {k: 3 for k in cases}, "could not be done: 3")
    code, out, err = house.run("rpki", "diff", a, "nowhere", "--nagios")
    t.ok(code == 3 and out.count("\n") == 1 and "UNKNOWN" in out and err == "", "--nagios: unknown, on one line", out)
    t.ok(diff(a)[0] == 2 and diff(a, a, a)[0] == 2 and diff(a, a, "-o", "csv=")[0] == 2 and
         diff(a, a, "--warn", "x")[0] == 2, "wrong usage: 2")


# --- ours ---

def step(h, d, world, want):
    house.lab(d, world=world)
    assert house.run("reload", "-c", h.conf)[0] == 0

    def seen():
        code, got = diff("--state", h.state, "current", os.path.join(d, "none.json"), "--json")
        return code in (0, 1) and want(got)
    assert house.wait_for(seen, 30), h.log()


def providers(got):
    return [(x["customer"], x["a"]) for x in got["aspas"]]


def test_ours(t, d):
    """Serial 1: FIRST; 2: other providers; 3: no key; 4: kyoto is stale."""
    write(d, "none.json", rpki_client([], [], []))
    house.lab(d, world=FIRST)
    h = house.House(d)
    h.start()
    assert house.wait_for(lambda: len(h.vrps()) == 2, 30), h.log()
    step(h, d, OTHER, lambda x: providers(x) == [(64497, [64501, 64502])])
    step(h, d, NO_KEY, lambda x: x["router_keys"] == [])
    h_log = lambda n: len(json.loads(house.run("rpki", "log", "-c", h.conf, "--json")[1])["changes"]) == n  # noqa: E731
    t.ok(house.wait_for(lambda: h_log(2), 30), "the record has both changes")
    s = ("--state", h.state)
    _, got = diff(*s, "1", "2", "--json")
    x = got["aspas"][0]
    t.ok((x["added"], x["removed"], x["cause"]) == ([64502], [64500], "changed") and x["time"] and
         got["router_keys"] == [], "two snapshots: the ASPA was changed, and when", got)
    _, got = diff(*s, "2", "3", "--json")
    x = got["router_keys"][0]
    ski = x["ski"]
    t.ok((x["in"], x["asn"], x["cause"], x["state"]) == ("a", 64497, "gone-signed", "good") and x["time"] and
         "/kyoto/" in x["speaker"] and len(ski) == 40, "the CA took the router key away", got)
    _, got = diff(*s, "3", "2", "--json")
    x = got["router_keys"][0]
    t.equal((x["in"], x["cause"]), ("b", "gone-signed"), "the newer one speaks, wherever it stands")
    # Without the history: why, but not when.
    snap = os.path.join(h.state, "snapshots")
    paths = [os.path.join(snap, f) for f in sorted(os.listdir(snap)) if f.endswith(".snap")]
    _, got = diff(paths[1], paths[2], "--json")
    x = got["router_keys"][0]
    t.ok(x["cause"] == "gone-signed" and "time" not in x, "snapshots by their paths", got)
    _, got = diff(h.state, paths[0], "--json")
    t.equal([x["serial"] for x in got["sources"]], [3, 1], "a state directory is its newest")
    # A peer that still has the key, and the first providers.
    house.lab(d, "stale-manifest@kyoto", world=NO_KEY)
    assert house.run("reload", "-c", h.conf)[0] == 0
    t.ok(house.wait_for(lambda: h_log(4), 30), "kyoto is stale")
    first = diff(*s, "1", os.path.join(d, "none.json"), "--json")[1]
    key = first["router_keys"][0]
    peer = write(d, "peer.json", rpki_client([(64510, "198.51.100.0/24", 24)], [(64497, [64500]), (64511, [1])],
                                             [(64497, key["ski"], key["spki"]), (64498, key["ski"], key["spki"])]))
    _, got = diff(*s, "current", peer, "--json")
    t.equal({x["customer"]: (x["cause"], x.get("code")) for x in got["aspas"]},
            {64497: ("gone-failed", "RPKI_MFT_STALE"), 64511: ("unknown", None)}, "ASPAs that a peer has, we have not")
    t.equal({x["asn"]: x["cause"] for x in got["router_keys"]}, {64497: "gone-signed", 64498: "no-ta"},
            "router keys, likewise")
    t.equal([(x["asn"], x["cause"]) for x in got["only_b"]], [(64510, "no-ta")],
            "what became of another AS at that prefix is not its cause")
    _, got = diff(*s, "3", "4", "--json")
    x = got["aspas"][0]
    t.ok((x["cause"], x["state"], x["code"]) == ("gone-failed", "failed", "RPKI_MFT_STALE") and x["time"],
         "between two of ours, too", got)
    _, got = diff(*s, "2", peer, "--json")
    t.equal([(x["customer"], x.get("added"), x.get("removed"), x["cause"]) for x in got["aspas"]],
            [(64497, [64500], [64501, 64502], "changed"), (64511, None, None, "unknown")],
            "other providers at a peer: ours are so since")
    t.equal([(x["in"], x["cause"]) for x in got["router_keys"]], [("b", "no-ta")], "a key that is in both is none of them")
    for lang, words in (("en", "its CA took it away at"), ("ja", "に取り下げ")):
        _, out = diff(*s, "current", peer, "--lang", lang)
        t.ok(any(ski in x and words in x for x in out.split("\n")), "in words: " + lang, out)
    _, out, _ = house.run("rpki", "log", "-c", h.conf, "AS64497")
    t.ok(ski in out, "rpki log says which key", out)
    filters(t, h, peer, key)
    h.stop()


def filters(t, h, peer, key):
    """An operator's own filters are the cause, before what anybody else did."""
    with open(h.conf) as f:
        text = f.read()
    with open(h.conf, "w") as f:
        f.write(text.replace("rpki:\n", "rpki:\n  slurm: local.json\n"))
    write(h.folder, "local.json", {
        "slurmVersion": 2, "locallyAddedAssertions": {"prefixAssertions": [], "bgpsecAssertions": [],
                                                      "aspaAssertions": []},
        "validationOutputFilters": {"prefixFilters": [], "aspaFilters": [{"customerAsn": 64511, "comment": "no"}],
                                    "bgpsecFilters": [{"SKI": url64(key["ski"]), "asn": 64498}]}})
    _, got = diff("-c", h.conf, "current", peer, "--json")
    t.equal(({x["customer"]: x["cause"] for x in got["aspas"]}, {x["asn"]: x["cause"] for x in got["router_keys"]}),
            ({64497: "gone-failed", 64511: "filtered"}, {64497: "gone-signed", 64498: "filtered"}),
            "filtered here: ASPA and router key")
    t.ok("no" in [x for x in got["aspas"] if x["customer"] == 64511][0]["who"], "and by which entry", got)


sys.exit(house.cases(test_formats, test_peers, test_cannot, test_ours))
