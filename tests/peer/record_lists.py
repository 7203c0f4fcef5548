#!/usr/bin/env python3
"""
record_lists.py FOLDER: what ods-enforcer and keymgr of this machine print of their keys,
as files in FOLDER. Made with it, by OpenDNSSEC 2.1.12 and Knot 3.2.6 of Debian 12 on
2026-11-22: ods-* and knot* of tests/fuzz/corpus/key_list (fuzz_key_list; unit test
app-key_list). No key of them was ever used.
"""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import odskit  # noqa: E402


def opendnssec(d, put):
    o = odskit.Ods(d)
    try:
        o.start()
        o.ask("policy", "import")
        for zone in ("example.jp", "other.example"):
            o.zone_add(zone)
        put("ods-new", o.list("-v", "-p") + o.list("-d", "-p"))
        assert o.until(lambda rows: len(rows) == 4 and all(r[2] == "active" for r in rows))
        put("ods", o.list("-v"))
        put("ods-p", o.list("-v", "-p"))
        put("ods-all", o.list("-v") + o.list("-d") + o.ask("rollover", "list"))
        put("ods-all-p", o.list("-v", "-p") + o.list("-d", "-p") + o.ask("rollover", "list"))
        o.ask("key", "rollover", "-z", "example.jp", "-t", "ZSK")
        assert o.until(lambda rows: any(r[0] == "example.jp" and r[2] == "ready" for r in rows))
        put("ods-mixing", o.list("-v", "-p") + o.list("-d", "-p"))
        put("ods-mixing-v", o.list("-v", "-p"))
    finally:
        o.stop()


def knot(d, put):
    conf = os.path.join(d, "knot.conf")
    with open(conf, "w") as f:
        f.write("server:\n  rundir: %s\ndatabase:\n  storage: %s\nzone:\n  - domain: example.jp\n" % (d, d))

    def keymgr(*args):
        return subprocess.run(["keymgr", "-x", "-c", conf, *args], check=True, stdout=subprocess.PIPE, text=True).stdout

    for kind in ("ksk=yes publish=-400d ready=-399d active=-399d", "ksk=yes publish=-2d ready=-1d",
                 "zsk=yes publish=-60d active=-59d retire=-30d remove=-29d", "zsk=yes publish=-30d active=-29d retire=-1d remove=+1d",
                 "zsk=yes publish=-2d active=-1d retire=+10d remove=+11d", "zsk=yes publish=-1h active=+10d",
                 "ksk=yes zsk=yes publish=+20d active=+21d"):
        keymgr("example.jp", "generate", "algorithm=13", *kind.split())
    for name, args in (("knot", []), ("knot-e", ["-e"]), ("knot-j", ["-j"])):
        put(name, keymgr(*args, "example.jp", "list"))
    put("knot-iso", keymgr("example.jp", "list", "iso"))


def main():
    folder = sys.argv[1]

    def put(name, text):
        with open(os.path.join(folder, name), "w") as f:
            f.write(text.replace(os.path.join(d, ""), "/var/lib/opendnssec/"))

    for make in (opendnssec, knot):
        with tempfile.TemporaryDirectory() as d:
            make(d, put)


if __name__ == "__main__":
    main()
