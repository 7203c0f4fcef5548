#!/usr/bin/env python3
"""The commands that findings name for seeing the same by hand: they are run on
a sound object and on one with the fault, and have to tell the two apart. And
whom to call is told with the chain (Ghostbusters records)."""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

SRC = os.environ.get("SEKISHO_SRC") or os.path.normpath(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("SEKISHO_BUILD") or os.path.join(SRC, "build")
sys.path.insert(0, os.path.join(SRC, "tests", "peer"))
from tap import Tap  # noqa: E402

SEKISHO = os.path.join(BUILD, "sekisho")
WORLD = """
ta w {
	resources 192.0.2.0/24 AS64496
	ca a {
		resources 192.0.2.0/24 AS64496
		roa AS64496 192.0.2.0/24 name r
		ghostbusters name noc
	}
}
"""
# code | fault | the object, its issuer | what a sound one makes it say
CASES = [
    ("RPKI_CERT_SIGNATURE", "bad-signature-ca@a", "repo/w/*.cer", "ta/w.cer", "OK"),
    ("RPKI_CRL_SIGNATURE", "crl-signature@a", "repo/a/*.crl", "repo/w/*.cer", "verify OK"),
    ("RPKI_CMS_SIGNATURE", "bad-signature-cms@r", "repo/a/r.roa", "ta/w.cer", "Verification successful"),
]


def by_hand(code):
    text = subprocess.run([SEKISHO, "explain", code, "--json"], check=True, timeout=60,
                          capture_output=True, text=True).stdout
    return re.search(r'"by_hand": "((?:[^"\\]|\\.)*)"', text).group(1)


def world(folder, name, *faults):
    tree = os.path.join(folder, name)
    argv = [SEKISHO, "lab", "rpki", os.path.join(folder, "w.lab"), "-q", "--seed", "5",
            "-o", tree, "--tal", tree + ".tal"]
    for f in faults:
        argv += ["--fault", f]
    subprocess.run(argv, check=True, timeout=120)
    return os.path.join(tree, "lab.example")


def says(command, host, path, issuer, folder):
    found = {"FILE": glob.glob(os.path.join(host, path))[0],
             "ISSUER": glob.glob(os.path.join(host, issuer))[0]}
    line = re.sub(r"\b(FILE|ISSUER)\b", lambda m: found[m.group(1)], command)
    r = subprocess.run(["/bin/sh", "-c", line], cwd=folder, timeout=60, capture_output=True)
    return (r.stdout + r.stderr).decode(errors="replace")


def contacts(host):
    """(address, is it verified) of each CA on the way to the route."""
    tree = os.path.dirname(host)
    out = subprocess.run([SEKISHO, "rpki", "explain", "--json", "--tree", tree, "--tal", tree + ".tal",
                          "192.0.2.0/24", "AS64496"], timeout=60, capture_output=True, text=True).stdout
    return [(c["contact"]["email"], c["contact"]["verified"]) for c in json.loads(out)["chain"] if "contact" in c]


def main():
    t = Tap()
    with tempfile.TemporaryDirectory(prefix="sekisho-hand-") as folder:
        with open(os.path.join(folder, "w.lab"), "w") as f:
            f.write(WORLD)
        good = world(folder, "good")
        t.equal(contacts(good), [("noc@example.net", True)], "whom to call")
        t.equal(contacts(world(folder, "stale", "stale-manifest@a")), [("noc@example.net", False)],
                "… of a CA that failed, as it says")
        for code, fault, path, issuer, word in CASES:
            command = by_hand(code)
            bad = world(folder, code, fault)
            text = says(command, good, path, issuer, folder)
            t.ok(word in text, "%s: a sound object" % code, text)
            text = says(command, bad, path, issuer, folder)
            t.ok(word not in text, "%s: the fault is seen" % code, text)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
