#!/usr/bin/env python3
"""sekisho mail bimi, privacy, complaint: a mark with its files; what a configuration does; whose mail it is."""
import json
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import house  # noqa: E402
import mark_web  # noqa: E402

CERTS = open(os.path.join(house.SRC, "tests", "mail", "bimi_certs.h"), encoding="utf-8").read()
AT = "2027-01-15T00:00:00Z"
ZONE = """$ORIGIN .
_dmarc.example.com. 300 IN TXT "v=DMARC1; p=%s"
default._bimi.example.com. 300 IN TXT "v=BIMI1; l=https://example.com/a.svg; a=https://example.com/a.pem"
"""


def text_of(name):
    """What a macro of bimi_certs.h stands for."""
    body = re.search(rf"#define {name} \\\n((?:.*\\\n)*.*)\n", CERTS).group(1)
    return "".join(json.loads(s) for s in re.findall(r'"(?:[^"\\]|\\.)*"', body))


class World:
    def __init__(self, folder):
        self.folder = folder
        self.files = {"chain.pem": text_of("PEM_LEAF") + text_of("PEM_INT"), "root.pem": text_of("PEM_ROOT"),
                      "mark.svg": text_of("MARK_SVG"), "bad.svg": "<svg><script/></svg>",
                      "good.zone": ZONE % "reject", "none.zone": ZONE % "none", "fail.zone": "$ORIGIN .\n",
                      "mail.conf": "mail:\n  milter:\n    listen: unix:/run/milter\n  policy: enforce\n  reports: aggregate\n  reporting: {email: dmarc@ours.example}\n",
                      "marks.conf": "mail:\n  milter:\n    listen: unix:/run/milter\n  bimi: check\n",
                      "roots.conf": "mail:\n  milter:\n    listen: unix:/run/milter\n  bimi: check\n  bimi-roots: /nowhere\n",
                      "unused.conf": "mail:\n  milter:\n    listen: unix:/run/milter\n  bimi-roots: root.pem\n",
                      "vouched.conf": "mail:\n  milter:\n    listen: unix:/run/milter\n  bimi: check\n  bimi-roots: root.pem\n",
                      "off.conf": "mail:\n  policy: enforce\n", "bad.conf": "mail:\n  policy: maybe\n"}
        for name, text in self.files.items():
            with open(self.path(name), "w", encoding="utf-8") as f:
                f.write(text)

    def path(self, name):
        return os.path.join(self.folder, name)

    def bimi(self, *words):
        words = [self.path(w) if w in self.files else w for w in words]
        code, out, err = house.run("mail", "bimi", "--at", AT, "--json", *words)
        return code, json.loads(out) if out else err


# words, status, result, vouched, codes
MARKS = [
    (["--dns", "good.zone", "example.com"], 0, "pass", False, []),
    (["--dns", "good.zone", "--svg", "mark.svg", "--evidence", "chain.pem", "--roots", "root.pem", "www.example.com"],
     0, "pass", True, []),
    (["--dns", "good.zone", "--svg", "mark.svg", "--evidence", "chain.pem", "example.com"],
     1, "fail", False, ["BIMI_CERT_CHAIN"]),
    (["--dns", "good.zone", "--svg", "bad.svg", "example.com"], 1, "fail", False, ["BIMI_SVG"] * 4),
    (["--dns", "none.zone", "example.com"], 1, "skipped", False, ["BIMI_POLICY"]),
    (["--dns", "good.zone", "--selector", "x", "example.com"], 0, "none", False, ["BIMI_NONE"]),
]


def bimi(t, w):
    for words, code, result, vouched, codes in MARKS:
        got, j = w.bimi(*words)
        t.equal((got, j["result"], j["vouched"], [f["code"] for f in j["findings"]]), (code, result, vouched, codes),
                "mail bimi " + " ".join(words))
    j = w.bimi("--dns", "good.zone", "--svg", "mark.svg", "example.com")[1]
    t.ok("BIMI-Indicator:" in j["fields"] and "bimi=pass" in j["fields"], "fields for webmail", j)
    t.equal(w.bimi("--dns", "good.zone", "--dns", "nowhere.zone", "example.com")[0], 3, "a file that is not there")
    t.equal(w.bimi("--dns", "good.zone")[0], 2, "no domain")
    t.equal(w.bimi("--dns", "good.zone", "a b")[0], 2, "no domain by its letters")


# path of l=, words, status, result, codes
LIVE = [
    ("/a.svg", [], 0, "pass", []),
    ("/a.svg", ["--roots", "root.pem"], 0, "pass", []),
    ("/type.svg", [], 0, "pass", ["BIMI_TYPE"]),
    ("/b.svg", ["--roots", "root.pem"], 1, "fail", ["BIMI_DIFFERS"]),
    ("/moved.svg", [], 0, "pass", []),
    ("/huge.svg", [], 1, "fail", ["FETCH_TOO_LARGE"]),
    ("/endless.svg", [], 1, "fail", ["FETCH_TOO_LARGE"]),
    ("/bomb.svg", [], 1, "fail", ["BIMI_SVG"]),
    ("/inward.svg", [], 1, "fail", ["FETCH_ADDRESS"]),
    ("/plain.svg", [], 1, "fail", ["FETCH_REDIRECT_SCHEME"]),
    ("/loop.svg", [], 1, "fail", ["FETCH_REDIRECT_MANY"]),
    ("/script.svg", [], 1, "fail", ["BIMI_SVG"]),
    ("/empty.svg", [], 1, "fail", []),
    ("/gone.svg", [], 1, "fail", ["FETCH_STATUS"]),
]


def live(t, w):
    """The files come from a web server, with an authority of its own."""
    web = mark_web.Web(w.folder, "example.com")
    web.hostile()
    web.svg("/a.svg", w.files["mark.svg"])
    web.svg("/b.svg", w.files["mark.svg"].replace("</title>", "!</title>"))
    web.svg("/type.svg", w.files["mark.svg"], "text/plain")
    web.redirect("/moved.svg", "/a.svg")
    web.pem("/a.pem", w.files["chain.pem"])
    base = ["--fetch", "--ca-file", web.ca, "--host", web.hosts[0]]
    for path, words, code, result, codes in LIVE:
        zone = w.path("live.zone")
        with open(zone, "w", encoding="utf-8") as f:
            f.write((ZONE % "reject").replace("/a.svg", path))
        got, j = w.bimi("--dns", zone, *base, *words, "example.com")
        told = [f["code"] for f in j["findings"]]
        t.equal((got, j["result"], j["vouched"], sorted(set(told))), (code, result, words != [], codes),
                "mail bimi fetches " + " ".join([path] + words))
        t.ok(("BIMI-Location" in j["fields"]) == (result == "pass"), "fields of " + path, j["fields"])
    code, j = w.bimi("--dns", "good.zone", "--fetch", "--host", web.hosts[0], "example.com")
    t.equal((code, j["result"], [f["code"] for f in j["findings"]]), (1, "fail", ["FETCH_TLS"]), "an authority nobody knows")
    web.hits.clear()
    w.bimi("--dns", "good.zone", *base[1:], "example.com")
    w.bimi("--dns", "none.zone", *base, "example.com")
    t.equal(web.hits, [], "with files, and without a policy, nothing is fetched")
    t.equal(w.bimi("--fetch", "--svg", "mark.svg", "example.com")[0], 2, "files, or fetched ones")
    t.equal(w.bimi("--fetch", "--ca-file", "/nowhere", "--dns", "good.zone", "example.com")[0], 3, "no authorities")
    web.close()


def privacy(t, w):
    code, out, _ = house.run("mail", "privacy", "--json", w.path("mail.conf"))
    j = json.loads(out)
    t.equal((code, j["acts"]), (0, ["read-messages", "rewrite-headers", "reject-mail", "keep-data",
                                    "make-reports", "send-to-third-parties"]), "the acts of a gate that enforces and reports")
    t.ok(len(j["consent_ja"]) == len(j["consent_en"]) == 8, "a paragraph for each act, in both languages", j)
    t.ok(any("mail.reporting.keep-rows: 14d" in d["how_long"] for d in j["data"]), "… in days", j)
    t.ok(all(d["how_long"] and d["to_whom"] for d in j["data"]), "how long and to whom", j)
    code, out, _ = house.run("mail", "privacy", "--lang", "ja", w.path("mail.conf"))
    t.ok(code == 0 and "reject-mail" in out and "No person reads" in out, "text in Japanese has both", out)
    code, out, _ = house.run("mail", "privacy", w.path("off.conf"))
    t.ok(code == 0 and "reject-mail" not in out, "nothing is done where no mail passes", out)
    code, out, _ = house.run("mail", "privacy", "--json", w.path("marks.conf"))
    told = [d for d in json.loads(out)["data"] if "web servers" in d["to_whom"]]
    t.ok(code == 0 and len(told) == 1, "what a mark's servers learn, and how long it is kept", out)
    for conf, warned in (("marks.conf", ["mail.bimi"]), ("roots.conf", ["mail.bimi-roots"]),
                         ("unused.conf", ["mail.bimi-roots"]), ("vouched.conf", [])):
        code, out, _ = house.run("conf", "check", "--json", "-c", w.path(conf))
        got = [x["option"] for x in json.loads(out)["warnings"] if x["option"].startswith("mail")]
        t.equal((code, got), (0, warned), "conf check of " + conf)
    t.equal(house.run("mail", "privacy", w.path("bad.conf"))[0], 1, "a configuration with a fault")
    t.equal(house.run("mail", "privacy", w.path("nowhere.conf"))[0], 3, "one that is not there")


def complaint(t):
    corpus = os.path.join(house.SRC, "tests", "fuzz", "corpus", "feedback")
    code, out, _ = house.run("mail", "complaint", "--json", "--own", "example.net", os.path.join(corpus, "full"))
    j = json.loads(out)
    # The message's own Return-Path goes before what the report says of it; there is no part for people.
    found = [f["code"] for f in j["findings"]]
    t.equal((code, j["ours"], j["type"], j["source"], j["about"], j["Feedback-ID"], j["Return-Path"], found),
            (0, True, "abuse", "2001:db8::1", "example.net", "1:2", "v+1", ["FEEDBACK_FORM"]), "a complaint about one of ours")
    code, out, _ = house.run("mail", "complaint", "--own", "example.org", os.path.join(corpus, "full"))
    t.ok(code == 0 and "FEEDBACK_FOREIGN" in out, "about somebody else's", out)
    shown = (("en", "kind of complaint   abuse\n", "about mail of ours  example.net\n"),
             ("ja", "苦情の種類          abuse\n", "自組織のドメイン    example.net\n"))
    for lang, *lines in shown:
        out = house.run("mail", "complaint", "--lang", lang, "--own", "example.net", os.path.join(corpus, "full"))[1]
        t.ok(all(line in out for line in lines), "labels for people: " + lang, out)
    code, out, _ = house.run("mail", "complaint", "--own", "example.org", os.path.join(corpus, "..", "bimi", "record"))
    t.ok(code == 1 and "FEEDBACK_NONE" in out, "none at all", out)
    t.equal(house.run("mail", "complaint", "--own", "a b", "x")[0], 2, "no domain")
    t.equal(house.run("mail", "complaint", "--own", "example.org", "/nowhere")[0], 3, "no file")


def main():
    t = house.Tap()
    complaint(t)
    with tempfile.TemporaryDirectory() as folder:
        w = World(folder)
        bimi(t, w)
        live(t, w)
        privacy(t, w)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
