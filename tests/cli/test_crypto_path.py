#!/usr/bin/env python3
"""--crypto and the option crypto: which way, why so, the same answers; status, reload, metrics."""
import json
import os
import re
import sys
import urllib.request

import house
import role_kit
from house import House, wait_for

ZONE = "$TTL 60\n@ SOA ns h 1 2 3 4 5\n NS ns\nns A 192.0.2.1\n%s" % "".join(
    "a%d A 192.0.2.%d\n" % (i, i) for i in range(1, 200))
AT = "2026-11-22T00:00:00Z"
DNS = """dns:
  look-interval: 0
  zones:
    - {name: example.jp, file: example.jp.zone, policy: p}
  policies:
    - {name: p, keys: csk, backup-required: no}
"""
VERIFYING = {"validate", "zone", "key"}		# of the roles that this house has
ALL = ["generic", "tables", "ifma"]


def ways():
    """(what is in use by itself, all that this machine has)"""
    code, out, _ = house.run("--version")
    m = re.match(r"sekisho \S+\n[^\n]*: (\w+);[^\n]*: auto ([\w ]+)\n$", out)
    return m and (m[1], m[2].split())


def test_usage(t, d):
    got = ways()
    t.ok(got and set(got[1]) <= set(ALL) and got[1][:2] == ALL[:2] and got[0] == got[1][-1] and
         house.run("--version")[0] == 0, "--version has the way and those that there are", got)
    for words in (("rpki", "validate"), ("zone", "verify", "x"), ("--crypto", "fastest", "zone", "sign", "x"), ("serve",)):
        code, out, err = house.run(*words, "--crypto", "fastest")
        t.ok((code, out, err.count("\n")) == (2, "", 1) and "fastest" in err and "generic tables" in err,
             "no such way: " + " ".join(words), err)
    ja = house.run("zone", "verify", "x", "--crypto", "fastest", "--lang", "ja")[2]
    t.ok("検証方式" in ja and ja.count("\n") == 1, "… in Japanese", ja)
    for w in ALL:
        code, _, err = house.run("zone", "verify", os.path.join(d, "absent"), "--crypto", w)
        if w in got[1]:
            t.ok(code == 3 and "absent" in err, w + ": taken", err)
        else:
            t.ok(code == 2 and w in err and "tables" in err and err.count("\n") == 1, w + ": cannot be had here", err)
    t.ok("--crypto" in house.run("zone", "verify", "--help")[1], "help of a command that verifies has it")
    t.ok("--crypto" not in house.run("rtr", "lint", "--help")[1], "that of another has not")
    code, _, err = house.run("rtr", "lint", "--crypto", "generic")
    t.ok(code == 2 and "--crypto" in err, "which does not take it, either", err)


def answers(*words):
    """What each way says: {answer: [ways]}"""
    said = {}
    for w in ways()[1]:
        code, out, err = house.run(*words, "--crypto", w)
        said.setdefault((code, re.sub(r'"(built|duration_ms)":\d+', "", out), err), []).append(w)
    return said


def spoil(path, out):
    """The middle signature of the zone has another octet."""
    with open(path) as f:
        lines = f.read().split("\n")
    at = [i for i, line in enumerate(lines) if "\tRRSIG\t" in line]
    i = at[len(at) // 2]
    lines[i] = re.sub(r"(.)(.{20})$", lambda m: ("B" if m[1] != "B" else "C") + m[2], lines[i])
    with open(out, "w") as f:
        f.write("\n".join(lines))


def test_same(t, d):
    house.lab(d)
    tree = ("rpki", "validate", "--tal", os.path.join(d, "house.tal"), "--tree", os.path.join(d, "tree"), "--json")
    said = answers(*tree, "--at", house_now())
    t.ok(len(said) == 1 and next(iter(said))[0] == 0, "one world, validated alike by each way", said)
    path = os.path.join(d, "example.jp.zone")
    with open(path, "w") as f:
        f.write(ZONE)
    for alg in ("ECDSAP256SHA256", "RSASHA256", "ED25519"):
        signed = os.path.join(d, alg)
        code, _, err = house.run("zone", "sign", path, "-K", d, "--generate", alg, "--csk", "--at", AT, "-q", "-o", signed)
        t.equal((code, err), (0, ""), alg + ": signed")
        said = answers("zone", "verify", signed, "--zone", "example.jp", "--at", AT, "--json")
        t.ok(len(said) == 1 and next(iter(said))[0] == 0, alg + ": verified alike", said)
        spoil(signed, signed + ".bad")
        said = answers("zone", "verify", signed + ".bad", "--zone", "example.jp", "--at", AT, "--json")
        t.ok(len(said) == 1 and next(iter(said))[0] == 1, alg + ": one bad signature is found alike", said)
        for f in os.listdir(d):
            if f.startswith("Kexample") or f.endswith(".state"):
                os.remove(os.path.join(d, f))


def house_now():
    import datetime
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def metrics(h):
    with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % h.ports[1], timeout=10) as r:
        return r.read().decode()


def paths(s):
    """{role: what it says that it uses}"""
    return {n: r["status"]["crypto"]["path"] for n, r in s["details"].items() if "crypto" in (r["status"] or {})}


def settled(h, way):
    """All roles are up, and verify so."""
    s = h.status()
    got = paths(s)
    return all(r["ready"] for r in s["house"]["roles"]) and set(got) == VERIFYING and set(got.values()) == {way} and s


def test_serve(t, d):
    best = ways()[0]
    house.lab(d)
    with open(os.path.join(d, "example.jp.zone"), "w") as f:
        f.write(ZONE)
    h = House(d, DNS)
    h.start()
    s = wait_for(lambda: settled(h, best), 40)
    if not t.ok(s, "who verifies does it in the best way", h.log()[-2000:]):
        return
    crypto = s["house"]["crypto"]
    t.ok((crypto["path"], crypto["asked"]) == (best, "auto") and crypto["why"] in ("processor", "architecture"),
         "the house says which and why", crypto)
    out = house.run("status", "-c", h.conf)[1]
    ja = house.run("status", "-c", h.conf, "--lang", "ja")[1]
    t.ok("by way of: %s (" % best in out and "署名の検証方式: %s（" % best in ja, "status for people", out + ja)
    t.ok(wait_for(lambda: 'sekisho_crypto_path_info{path="%s",why="%s"} 1\n' % (best, crypto["why"]) in metrics(h)),
         "the metric", metrics(h)[:2000])
    before = {r["name"]: r["pid"] for r in s["house"]["roles"]}
    h.write_conf(top="crypto: generic\n")
    t.equal(house.run("reload", "-c", h.conf)[0], 0, "a reload to another way")
    s = wait_for(lambda: settled(h, "generic"), 40)
    t.ok(s, "they verify in that way", h.log()[-2000:])
    after = {r["name"]: r["pid"] for r in (s or h.status())["house"]["roles"]}
    t.equal({n for n in after if after[n] != before[n]}, VERIFYING, "who verifies was started anew, nobody else")
    t.equal(h.status()["house"]["crypto"], {"path": "generic", "asked": "generic", "why": "asked"}, "… and why")
    t.ok('by way of "generic"' in h.log(), "the operator's log has it", h.log()[-1000:])
    h.write_conf(top="crypto: fastest\n")
    code, _, err = house.run("reload", "-c", h.conf, "--state", h.state)
    t.ok(code == 1 and "fastest" in err, "a word that is none is refused", err)
    h.stop()
    h.write_conf(top="crypto: generic\n")
    h.start("--crypto", "tables")
    t.ok(wait_for(lambda: settled(h, "tables"), 40), "--crypto wins over the configuration", h.log()[-2000:])
    if "ifma" in ways()[1]:
        t.skip("a way in the configuration that cannot be had is a warning", "this machine has all of them")
        return
    h.stop()
    h.write_conf(top="crypto: ifma\n")
    code, out, _ = house.run("conf", "check", "--json", h.conf)
    t.ok(code == 0 and "crypto" in [w["option"] for w in json.loads(out)["warnings"]],
         "a way in the configuration that cannot be had is a warning", out)
    h.start()
    s = wait_for(lambda: settled(h, best), 40)
    t.ok(s and s["house"]["crypto"] == {"path": best, "asked": "ifma", "why": "unavailable"},
         "… and the best is taken", h.log()[-2000:])


def test_verify(t, d):
    """The role verify alone: it lives only where repositories are fetched."""
    for w in ways()[1]:
        r = role_kit.Role("verify", {"jobs": 1}, before=[("crypto", {"wish": w})])
        t.ok(r.ready() and r.status()["crypto"]["path"] == w, "role verify, by way of " + w, r.log)
        t.equal(r.close(), 0, "… ends well")
    r = role_kit.Role("verify", {"jobs": 1}, before=[("crypto", {"wish": "fastest"})])
    t.equal(r.p.wait(house.patient(10)), 1, "a word that is none ends it")
    r.close()


if __name__ == "__main__":
    sys.exit(house.cases(test_usage, test_same, test_serve, test_verify))
