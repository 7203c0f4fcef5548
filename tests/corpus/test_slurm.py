#!/usr/bin/env python3
"""The SLURM files of the data: what is wrong with them, and what they do."""
import json
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "peer"))
import peers
from tap import Tap

FOLDER = os.path.join(peers.DATA, "rpki", "slurm")
# A P-256 key; its identifier is XUJQ…
KEY = ("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEgFcjQ_g__LAQerAH2Mpp-GucoDAGBbhIqD33wNPsXxnAGb-mtZ7X"
       "QrVO9DQ6UlAShtig5-QfEKpTtFgiqfiAFQ")
RESULT = {
    "roas": [
        {"asn": 64499, "prefix": "192.0.2.0/24", "maxLength": 24, "ta": "x", "expires": 1900000000},
        {"asn": 64499, "prefix": "192.0.2.128/25", "maxLength": 26, "ta": "x", "expires": 1900000000},
        {"asn": 64499, "prefix": "192.0.0.0/16", "maxLength": 24, "ta": "x", "expires": 1900000000},
        {"asn": 64496, "prefix": "203.0.113.0/24", "maxLength": 24, "ta": "x", "expires": 1900000000},
        {"asn": 64497, "prefix": "198.51.100.0/25", "maxLength": 25, "ta": "x", "expires": 1900000000},
        {"asn": 64498, "prefix": "198.51.100.0/25", "maxLength": 25, "ta": "x", "expires": 1900000000},
        {"asn": 64496, "prefix": "2001:db8::/32", "maxLength": 48, "ta": "x", "expires": 1900000000},
    ],
    "aspas": [
        {"customer_asid": 64496, "providers": [64500], "expires": 1900000000},
        {"customer_asid": 64497, "providers": [64500], "expires": 1900000000},
    ],
}
# Two filters for prefixes, one for an origin; then the assertions, which no filter touches.
AFTER = {(64499, "192.0.0.0/16", 24), (64498, "198.51.100.0/25", 25),
         (64496, "198.51.100.0/24", 24), (64496, "2001:db8::/32", 48)}
EFFECTS = {"prefixFilters[0]": 2, "prefixFilters[1]": 2, "prefixFilters[2]": 1, "bgpsecFilters[0]": 0,
           "bgpsecFilters[1]": 0, "bgpsecFilters[2]": 0, "prefixAssertions[0]": 1,
           "prefixAssertions[1]": 1, "bgpsecAssertions[0]": 1}

tap = Tap()


def slurm(*args):
    r = peers.run([peers.sekisho(), "rpki", "slurm", *args])
    return r.status, r.out, r.err


def check(*args):
    """(exit status, codes, {where: effect})"""
    status, out, err = slurm("check", "--json", *args)
    j = json.loads(out) if out else {"findings": [], "entries": []}
    return status, sorted(f["code"] for f in j["findings"]), {e["where"]: e["effect"] for e in j["entries"]}


def mended(name, work):
    """The file with a key that is one: the data's is the base64 of "blubb"."""
    with open(os.path.join(FOLDER, name)) as f:
        j = json.load(f)
    j["locallyAddedAssertions"]["bgpsecAssertions"][0]["routerPublicKey"] = KEY
    path = os.path.join(work, name)
    with open(path, "w") as f:
        json.dump(j, f)
    return path


def main():
    if not os.path.isdir(FOLDER):
        tap.skip("the SLURM files of the data", "no ../shared/data/rpki/slurm")
        return tap.done()
    one, two = (os.path.join(FOLDER, n) for n in ("full.json", "full_v2.json"))
    tap.equal(check(one)[:2], (1, ["RPKI_SLURM_KEY"]), "version 1: its key is no key (section 3.4.2)")
    tap.equal(check(two)[:2], (1, ["RPKI_SLURM_KEY", "RPKI_SLURM_NAME"]),
              "version 2: neither, and a filter bears an earlier draft's name")
    with tempfile.TemporaryDirectory() as work:
        one, two = mended("full.json", work), mended("full_v2.json", work)
        result = os.path.join(work, "result.json")
        with open(result, "w") as f:
            json.dump(RESULT, f)
        status, codes, effects = check(one)
        tap.equal((status, codes), (0, ["RPKI_SLURM_SKI"]), "with a key, version 1 is taken")
        tap.equal(len(effects), 9, "all of its entries")
        status, codes, effects = check(two)
        tap.equal((status, codes), (0, ["RPKI_SLURM_NAME", "RPKI_SLURM_SKI"]), "version 2 likewise")
        tap.equal(len(effects), 11, "with the two about ASPAs")
        tap.equal(check("--in", result, one)[2], EFFECTS, "what each entry does")
        tap.equal(check("--in", result, two)[2],
                  {**EFFECTS, "aspaFilters[0]": 1, "aspaAssertions[0]": 1}, "and of version 2")
        status, _, err = slurm("apply", "--in", result, two, "-o", "csv=" + os.path.join(work, "csv"),
                               "-o", "json=" + os.path.join(work, "json"),
                               "-o", "slurm=" + os.path.join(work, "again"))
        tap.ok(status == 0, "applied", err)
        tap.equal(peers.vrps_csv(os.path.join(work, "csv")), AFTER, "the VRPs after it")
        with open(os.path.join(work, "json")) as f:
            after = json.load(f)
        tap.equal({a["customer_asid"]: a["providers"] for a in after["aspas"]},
                  {64496: [64497, 64498], 64497: [64500]}, "the ASPAs: filtered, then asserted")
        tap.equal([k["asn"] for k in after["bgpsec_keys"]], [64496], "the router key")
        tap.equal({(r["ta"], "expires" in r) for r in after["roas"]}, {("x", True), ("slurm", False)},
                  "what is asserted bears a mark and has no end")
        empty = os.path.join(work, "empty.json")
        with open(empty, "w") as f:
            json.dump({"roas": []}, f)
        slurm("apply", "--in", empty, os.path.join(work, "again"), "-o", "csv=" + os.path.join(work, "csv2"))
        tap.equal(peers.vrps_csv(os.path.join(work, "csv2")), AFTER, "-o slurm gives the same to another")
        tap.equal(check(one, two)[:2][0], 1, "both files together contradict each other")
        tap.ok(set(check(one, two)[1]) >= {"RPKI_SLURM_OVERLAP"}, "which has a code (section 4.2)")
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
