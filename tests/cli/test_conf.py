#!/usr/bin/env python3
"""sekisho conf check|show: status, place, what comes back."""
import json
import os
import sys

import house

BAD = [
    # text, line, column, did you mean
    ("rtr:\n  refesh: 3\n", 2, 3, "refresh"),
    ("rtr:\n  refresh: 0\n", 2, 12, None),
    ("rtr:\n  refresh: [1]\n", 2, 12, None),
    ("organisation:\n  roles: [isp, registrat]\n", 2, 16, "registrar"),
    ("organisation:\n  prefixes: [192.0.2.1/24]\n", 2, 14, None),
    ("state: a\nstate: b\n", 2, 1, None),
    ("state: &a b\n", 1, 8, None),
    ("rtr: {listen: [nowhere]}\n", 1, 16, None),
]


RIRS = ["afrinic", "apnic", "arin", "lacnic", "ripe"]


def case_tals(t, d):
    """What is shipped: with the AS numbers alone it fetches, from five locators that can be read."""
    path = os.path.join(d, "min.conf")
    with open(path, "w") as f:
        f.write("organisation:\n  asns: [AS64496]\n")
    code, out, err = house.run("conf", "check", path)
    t.ok(code == 0 and not [x for x in err.splitlines() if "/etc/" not in x],
         "AS numbers alone are a configuration", err)	# what is not installed here is warned of
    rows = {r["path"]: r["value"] for r in json.loads(house.run("conf", "show", "--json", "-c", path)[1])}
    t.equal((rows["fetch.mode"], rows["rpki.tree"], rows["rpki.rrdp"], rows["rpki.tals"]),
            ("auto", [], [], "/etc/sekisho/tals"), "… and it fetches")
    tals = os.path.join(house.SRC, "etc", "tals")
    t.equal(sorted(f[:-4] for f in os.listdir(tals) if f.endswith(".tal")), RIRS, "five locators are shipped")
    os.mkdir(os.path.join(d, "tree"))
    code, out, err = house.run("rpki", "validate", "--tal", tals, "--tree", os.path.join(d, "tree"), "-q", "-o", "summary=-")
    t.ok(code == 1 and err == "" and all(r in out for r in RIRS), "… each can be read", err + out)
    for rir in RIRS:
        with open(os.path.join(tals, rir + ".tal")) as f:
            uris = [line.split(":")[0] for line in f.read().split("\n\n")[0].splitlines() if line[0] != "#"]
        t.ok(uris[:1] == ["https"] and "rsync" in uris, rir + ": https first, rsync too", uris)


ZONES = "dns:\n  %s\n  zones:\n    - {name: a.example, %s, policy: p}\n  policies:\n    - {name: p, algorithm: ed25519%s}\n"
TSIG = 'key "xfr.example" {\n\talgorithm hmac-sha256;\n\tsecret "%s";\n};\n'


def case_zones(t, d):
    """What serve would refuse, conf check refuses; what it would only tell, conf check warns of."""
    path, keys = os.path.join(d, "zones.conf"), os.path.join(d, "tsig.keys")

    def check(top, zone, policy=""):
        with open(path, "w") as f:
            f.write(ZONES % (top, zone, policy))
        code, out, _ = house.run("conf", "check", "--json", path)
        return code, json.loads(out)

    def tsig(secret, mode):
        with open(keys, "w") as f:
            f.write(TSIG % secret)
        os.chmod(keys, mode)

    with open(os.path.join(d, "a.zone"), "w") as f:
        f.write("")
    code, j = check("jobs: 0", "file: a.zone")
    t.equal((code, j["good"], j["warnings"]), (0, True, []), "zones alone: an algorithm's name, no trust anchors missed")
    code, j = check("jobs: 0", "file: gone.zone")
    t.equal((code, [w["option"] for w in j["warnings"]]), (0, ["dns.zones[].file"]), "a zone file that is not there")
    os.mkdir(os.path.join(d, "open"), 0o755)
    code, j = check("keys: open", "file: a.zone")
    t.equal((code, [w["option"] for w in j["warnings"]]), (0, ["dns.keys"]), "a folder of keys that others may read")
    code, j = check("jobs: 0", "file: a.zone", ", ds-handover: epp")
    t.equal((code, j["found"]), (1, "ds-handover: epp"), "EPP without a program that sends it")
    take = ("tsig-keys: tsig.keys", "primaries: 127.0.0.1 key xfr.example")
    t.equal(check(*take)[0], 1, "a file of TSIG keys that is not there")
    tsig("O4xexRWUYaJ+Ud9avxrpH3yhan5hPpU6Vrxm5KaYRdE=", 0o600)
    code, j = check(*take)
    t.equal((code, j.get("warnings")), (0, []), "one that is good")
    code, j = check(take[0], "primaries: 127.0.0.1 key other.example")
    t.ok(code == 1 and "other.example." in j["text"], "a key that is not in it", j)
    tsig("O4xexRWUYaJ+Ud9avxrpH3yhan5hPpU6Vrxm5KaYRdE=", 0o644)
    t.equal(check(*take)[0], 1, "others may read it")
    tsig("!!", 0o600)
    code, j = check(*take)
    t.ok(code == 1 and "TSIG_KEY_SECRET" in j["text"], "a secret that is none", j)


def main():
    t = house.Tap()
    with house.folder() as d:
        t.case(case_tals, t, d)
        t.case(case_zones, t, d)
        path = os.path.join(d, "x.conf")

        def write(text):
            with open(path, "w") as f:
                f.write(text)

        for text, line, col, meant in BAD:
            write(text)
            name = text.strip().replace("\n", " / ")
            code, out, _ = house.run("conf", "check", "--json", path)
            j = json.loads(out)
            t.ok(code == 1 and not j["good"] and (j["line"], j["column"], j["did_you_mean"]) ==
                 (line, col, meant), "check: " + name, "%d %s" % (code, out))
            code, out, err = house.run("conf", "check", "-c", path)
            t.ok(code == 1 and out == "" and err.count("\n") == 1 and
                 "%s:%d:%d:" % (path, line, col) in err, "one line on stderr: " + name, err)
            ja = house.run("conf", "check", "--lang", "ja", "-c", path)[2]
            t.ok(ja != err and ja.count("\n") == 1, "and in Japanese: " + name, ja)

        code, out, err = house.run("conf", "check", os.path.join(d, "absent.conf"))
        t.ok(code == 3 and err.count("\n") == 1 and "absent.conf" in err, "an absent file", err)
        code, _, err = house.run("conf", "check", d)
        t.ok(code == 3 and err.count("\n") == 1, "a folder", err)
        code, _, err = house.run("conf", "check", path, path)
        t.equal(code, 2, "two files are a usage error")

        write("organisation: {name: 'a \"b\" \\c', asns: [64496, AS64497], prefixes: [192.0.2.0/24]}\n"
              "rtr: {refresh: 15m}\nrpki: {tals: tals}\n")
        code, out, _ = house.run("conf", "show", "--json", "-c", path)
        rows = {r["path"]: r for r in json.loads(out)}
        t.equal(code, 0, "show works")
        t.equal(rows["organisation.asns"]["value"], ["64496", "AS64497"], "a list")
        t.equal(rows["rtr.refresh"]["from"], path + ":2", "where a value comes from")
        t.equal(rows["rtr.expire"]["from"], "default", "a default")
        t.equal(rows["rpki.tals"]["value"], os.path.join(d, "tals"), "paths are relative to the file")
        code, out, _ = house.run("conf", "show", "-c", path)
        with open(path + ".again", "w") as f:
            f.write(out)
        code2, out2, err = house.run("conf", "show", "--json", "-c", path + ".again")
        again = {r["path"]: r["value"] for r in json.loads(out2)} if code2 == 0 else err
        t.equal(again, {k: r["value"] for k, r in rows.items()}, "what show prints is a configuration")
        code, out, _ = house.run("conf", "show", "--json", "--state", "/s", "-c", path)
        state = next(r for r in json.loads(out) if r["path"] == "state")
        t.equal((state["value"], state["from"]), ("/s", "--state"), "--state wins")
        t.ok(all(r["help"] for r in rows.values()), "each option has its help")
        write("rpki:\n  tals: absent\n  slurm: [here, gone]\n")
        with open(os.path.join(d, "here"), "w") as f:
            f.write("{}")
        code, out, err = house.run("conf", "check", "--json", path)
        told = {(w["option"], w["text"].split(" ")[0]) for w in json.loads(out)["warnings"] if "/etc/" not in w["text"]}
        t.equal((code, told), (0, {("rpki.tals", os.path.join(d, "absent")), ("rpki.slurm", os.path.join(d, "gone"))}),
                "files that are not there are warned of")
        code, out, err = house.run("conf", "check", path)
        t.ok(code == 0 and "absent" in err and "gone" in err and "here " not in err, "… also for people", err)
        example = os.path.join(house.SRC, "etc", "sekisho.conf")
        if os.path.exists(example):
            code, _, err = house.run("conf", "check", example)
            t.ok(code == 0, "the example is good", err)
        else:
            t.skip("the example is good", "there is none")
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
