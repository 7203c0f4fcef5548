#!/usr/bin/env python3
"""rpki exceptions show|slurm|check, and what validate and explain make of them."""
import json
import os
import sys

import house

CONF = """
rpki:
  tals: house.tal
  tree: tree
%s  exceptions:
    - action: filter
      prefix: 192.0.2.0/24
      owner: noc
      reason: the ROA is wrong
      ticket: NOC-17
      until: 2027-01-31
    - action: assert
      prefix: 203.0.113.0/24
      asn: AS64500
      max-length: 25
      owner: noc
      reason: no ROA yet
      until: 2027-03-01T12:00:00Z
    - action: assert
      customer: AS64497
      providers: [AS64502, AS64501]
      owner: peering
      reason: turn-up
      until: 2027-06-30
"""
SLURM = """{"slurmVersion": 1, "validationOutputFilters": {"prefixFilters": [%s], "bgpsecFilters": []},
"locallyAddedAssertions": {"prefixAssertions": [], "bgpsecAssertions": []}}"""
WORKS, ENDS, GONE, ALL_GONE = ("2027-01-10T00:00:00Z", "2027-01-25T00:00:00Z",
                               "2027-02-01T00:00:00Z", "2027-07-01T00:00:00Z")


def vrps(csv):
    return {tuple(line.split(",")) for line in csv.splitlines()[1:]}


class Case:
    def __init__(self, t, folder):
        self.t, self.conf = t, os.path.join(folder, "x.conf")
        self.folder = folder
        self.write("")
        self.made_at = None

    def write(self, more):
        with open(self.conf, "w") as f:
            f.write(CONF % more)

    def slurm(self, name, filters):
        with open(os.path.join(self.folder, name), "w") as f:
            f.write(SLURM % filters)

    def lab(self, at):
        """The world of that day: its objects are good for a day."""
        with open(os.path.join(self.folder, "w.lab"), "w") as f:
            f.write(house.WORLD)
        if self.made_at != at:
            house.run("lab", "rpki", os.path.join(self.folder, "w.lab"), "-q", "--seed", "7", "--at", at,
                      "--tal", os.path.join(self.folder, "house.tal"),
                      "-o", os.path.join(self.folder, "tree"))
        self.made_at = at

    def run(self, *args, at=WORKS):
        if args[1] in ("validate", "explain"):
            self.lab(at)
        return house.run(*args, "-c", self.conf, "--at", at, "--no-progress")

    def exceptions(self, *args, at=WORKS):
        return self.run("rpki", "exceptions", *args, at=at)

    def show(self):
        t = self.t
        code, out, _ = self.exceptions("show", "--json", at=GONE)
        rows = json.loads(out)
        t.equal((code, [(r["line"], r["state"], r["owner"]) for r in rows]),
                (0, [(6, "expired", "noc"), (12, "works", "noc"), (19, "works", "peering")]),
                "show: lines, states, owners")
        t.equal(rows[0]["until"], "2027-02-01T00:00:00Z", "until a day means its end")
        code, out, _ = self.exceptions("show", at=ENDS)
        t.ok(code == 0 and out.count("\n") == 3 and "NOC-17" in out, "show for people", out)

    def check(self):
        t = self.t
        for at, codes, status, word in (
                (WORKS, [], 0, "OK"), (ENDS, ["RPKI_EXCEPTION_ENDS"], 1, "WARNING"),
                (GONE, ["RPKI_EXCEPTION_EXPIRED"], 1, "WARNING"),
                (ALL_GONE, ["RPKI_EXCEPTION_EXPIRED"] * 3, 1, "WARNING")):
            code, out, _ = self.exceptions("check", "--json", at=at)
            t.equal((code, [f["code"] for f in json.loads(out)]), (0, codes), "check at " + at)
            code, out, _ = self.exceptions("check", "--nagios", at=at)
            t.ok(code == status and out.startswith("EXCEPTIONS " + word) and out.count("\n") == 1 and
                 out.count("|") == 1, "the same for monitoring", out)

    def compiled(self):
        t = self.t
        path = os.path.join(self.folder, "x.slurm")
        code, out, _ = self.exceptions("slurm", at=GONE)
        j = json.loads(out)
        t.equal((code, j["slurmVersion"], j["validationOutputFilters"]["prefixFilters"]), (0, 2, []),
                "slurm: what has ended is left out")
        code, out, _ = self.exceptions("slurm")
        with open(path, "w") as f:
            f.write(out)
        comment = json.loads(out)["validationOutputFilters"]["prefixFilters"][0]["comment"]
        t.ok("noc" in comment and "NOC-17" in comment and "2027-02-01" in comment,
             "owner, ticket and end are in the comment", comment)
        code, _, err = house.run("rpki", "slurm", "check", path)
        t.ok(code == 0 and err == "", "and it is a good SLURM file", err)

    def validate(self):
        t = self.t
        base = {("AS64497", "198.51.100.0/24", "24", "house"), ("AS64496", "2001:db8::/36", "48", "house")}
        wrong = ("AS64496", "192.0.2.0/24", "24", "house")
        ours = ("AS64500", "203.0.113.0/24", "25", "exception-noc")
        for at, want in ((WORKS, base | {ours}), (GONE, base | {wrong, ours}), (ALL_GONE, base | {wrong})):
            code, out, err = self.run("rpki", "validate", "-o", "csv=-", at=at)
            t.ok(code == 0 and vrps(out) == want, "validate at " + at, out + err)
        code, out, _ = self.run("rpki", "validate", "-o", "json=-")
        j = json.loads(out)
        t.equal([r["expires"] for r in j["roas"] if r["asn"] == 64500], [1803902400],
                "an asserted VRP ends with its exception")
        t.equal([a["providers"] for a in j["aspas"]], [[64500, 64501, 64502]], "an ASPA becomes the union")
        code, out, _ = self.run("rpki", "validate", "-o", "findings=-", at=GONE)
        t.ok("RPKI_EXCEPTION_EXPIRED" in out, "an expired exception is a finding of the run", out)

    def explain(self):
        t = self.t
        for subject, at, state, actions in (
                (("192.0.2.0/24", "AS64496"), WORKS, "NotFound", ["filter"]),
                (("192.0.2.0/24", "AS64496"), GONE, "Valid", []),
                (("203.0.113.0/25", "AS64500"), WORKS, "Valid", ["assert"]),
                (("203.0.113.0/25", "AS64500"), ALL_GONE, "NotFound", []),
                (("203.0.113.0/26", "AS64500"), WORKS, "Invalid", ["assert"]),
                (("AS64497",), WORKS, "known", ["assert"]),
                (("198.51.100.0/24", "AS64497"), WORKS, "Valid", [])):
            code, out, err = self.run("rpki", "explain", "--json", *subject, at=at)
            j = json.loads(out)
            t.equal((j["state"], [x["action"] for x in j["local"]]), (state, actions),
                    "explain %s at %s" % (" ".join(subject), at))
        code, out, err = self.run("rpki", "explain", "203.0.113.0/25", "AS64500")
        t.ok("exception" in out and "no ROA yet" in out, "and for people: which exception, and why", out)

    def whatif(self):
        """Which routes an exception would change, before it is in force."""
        t = self.t
        path, routes, result = (os.path.join(self.folder, n) for n in ("w.slurm", "routes", "r.json"))
        with open(path, "w") as f:
            f.write(self.exceptions("slurm")[1])
        self.run("rpki", "validate", "-o", "json=" + result, at=ALL_GONE)
        with open(routes, "w") as f:
            f.write("# ours\n192.0.2.0/24 AS64496\n198.51.100.0/24 64497 # stays\n\n"
                    "203.0.113.0/25 AS64500\n203.0.113.0/24 AS64501\n")
        code, out, err = house.run("rpki", "slurm", "check", "--json", "--in", result, "--routes", routes,
                                   path, "--at", WORKS)
        t.equal((code, [(r["prefix"], r["asn"], r["before"], r["after"]) for r in json.loads(out)["routes"]]),
                (0, [("192.0.2.0/24", 64496, "valid", "not-found"),
                     ("203.0.113.0/25", 64500, "not-found", "valid"),
                     ("203.0.113.0/24", 64501, "not-found", "invalid")]), "what if: the routes that change")
        code, out, _ = house.run("rpki", "slurm", "check", "--in", result, "--routes", routes, path)
        t.ok(code == 0 and "203.0.113.0/24 AS64501: not-found -> invalid\n" in out and
             "\n1 valid -> not-found\n" in out and out.rstrip().split("\n")[-1].startswith("1 "),
             "and for people", out)
        with open(routes, "a") as f:
            f.write("192.0.2.1/24 AS1\n")
        code, out, err = house.run("rpki", "slurm", "check", "--in", result, "--routes", routes, path)
        t.ok(code == 3 and routes + ":7:" in err, "a line that is no route is named", err)
        t.equal(house.run("rpki", "slurm", "check", "--routes", routes, path)[0], 2, "routes need a result")

    def files(self):
        t = self.t
        self.slurm("a.slurm", '{"prefix": "198.51.100.0/24", "comment": "x"}')
        self.write("  slurm: a.slurm\n")
        code, out, err = self.run("rpki", "validate", "-o", "csv=-", at=ALL_GONE)
        t.ok(code == 0 and "198.51.100.0/24" not in out, "rpki.slurm is used", out + err)
        code, out, err = self.run("rpki", "validate", "-o", "csv=-", "--slurm", os.devnull, at=ALL_GONE)
        t.ok(code == 3 and out == "", "a SLURM file that is none", out + err)
        self.slurm("a.slurm", '{"prefix": "192.0.2.128/25"}')
        code, out, err = self.run("rpki", "validate", "-o", "csv=-")
        t.ok(code == 1 and out == "" and "RPKI_SLURM_OVERLAP" in err,
             "a file and an exception about the same addresses: nothing is done", out + err)
        code, out, _ = self.exceptions("check", "--nagios")
        t.ok(code == 2 and out.startswith("EXCEPTIONS CRITICAL"), "monitoring hears of it", out)
        code, _, err = self.run("rpki", "validate", "-o", "csv=-", at=GONE)
        t.ok(code == 0, "an exception that has ended contradicts nobody", err)
        self.slurm("a.slurm", '{"prefix": "192.0.2.1/24"}')
        code, _, err = self.run("rpki", "validate", "-o", "csv=-", at=GONE)
        t.ok(code == 1 and "RPKI_SLURM_VALUE" in err, "a broken file: nothing is done", err)
        self.write("")

    def usage(self):
        t = self.t
        for args in (("rpki", "exceptions"), ("rpki", "exceptions", "shw"), ("rpki", "slurm"),
                     ("rpki", "slurm", "check"), ("rpki", "slurm", "apply", "x"),
                     ("rpki", "slurm", "check", "-o", "nothing=x", "y")):
            code, out, err = house.run(*args)
            t.ok(code == 2 and out == "" and err.count("\n") == 1, "usage: " + " ".join(args), out + err)
        code, _, err = house.run("rpki", "slurm", "check", os.path.join(self.folder, "absent"))
        t.ok(code == 3 and err.count("\n") == 1 and "absent" in err, "a file that is not there", err)
        code, _, err = house.run("rpki", "exceptions", "show", "-c", os.path.join(self.folder, "absent"))
        t.ok(code == 3 and "absent" in err, "no configuration", err)

    def conf_again(self):
        code, out, err = self.run("conf", "show")
        self.t.ok(code == 0, "conf show", err)
        with open(self.conf + ".again", "w") as f:
            f.write(out)
        code, a, _ = house.run("conf", "show", "--json", self.conf)
        code, b, err = house.run("conf", "show", "--json", self.conf + ".again")

        def value(text):
            return [r["value"] for r in json.loads(text) if r["path"] == "rpki.exceptions"]
        self.t.ok(code == 0 and value(a) == value(b) and len(value(a)[0]) == 3,
                  "what it prints is the same configuration", b + err)


def main():
    t = house.Tap()
    with house.folder() as d:
        c = Case(t, d)
        for part in (c.show, c.check, c.compiled, c.validate, c.explain, c.whatif, c.files, c.usage, c.conf_again):
            t.case(part)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
