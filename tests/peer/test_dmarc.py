#!/usr/bin/env python3
"""DMARC beside others on generated worlds: an implementation from the RFCs' text (dmarc_oracle.py)
for both standards, Mail::DMARC for RFC 7489, and mailauth for RFC 9989 where SEKISHO_MAILAUTH names its
folder (npm install mailauth; Debian has no package of it).

    test_dmarc.py [--seed N] [--count N]        SEKISHO_BUILD: where dmarc_tool is
"""
import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dmarc_oracle as oracle
from tap import Tap

HERE = os.path.dirname(os.path.abspath(__file__))
TOOL = os.path.join(os.environ.get("SEKISHO_BUILD", "."), "tests/peer/dmarc_tool")
RULES = ["com", "example", "jp", "co.jp", "bank.example", "b.com", "*.kobe.jp", "!city.kobe.jp"]


# --- worlds ---

class World:
    """One message, its DNS."""

    def __init__(self):
        self.dns = oracle.Dns()
        self.authors, self.spf, self.dkim = [], [], []

    def lines(self):
        d = self.dns
        out = ["txt %s %s" % (n, t.hex()) for n in sorted(d.txt) for t in d.txt[n]]
        out += ["a " + n for n in sorted(d.a)] + ["mx " + n for n in sorted(d.mx)]
        out += ["fail " + n for n in sorted(d.failing)]
        out += ["author " + n for n in self.authors] + ["spf " + n for n in self.spf]
        out += ["dkim " + n for n in self.dkim]
        return out + ["go"]

    def __str__(self):
        d = self.dns
        return "\n".join(["%s TXT %r" % (n, t) for n in sorted(d.txt) for t in d.txt[n]] +
                         [line for line in self.lines() if not line.startswith("txt ")])


def one_of(r, *choices):
    return r.choice(choices)


def some_blanks(r):
    return one_of(r, "", "", "", "", " ", "\t", "  ")


def a_policy(r, odd):
    if r.random() < odd:
        return one_of(r, "", "rejct", "no", "none reject", "reject\u00e9", "\u0001none")
    return one_of(r, "none", "quarantine", "reject", "None", "REJECT")


def a_uri(r, odd):
    if r.random() < odd:
        return one_of(r, "a@b.example", "mailto:", "mailto:a", "mailto:a%", "mailto:a%2Cb@c", "mailto:a b@c", "",
                      "https://b.example/x", "mailto:a!b@c", "mailto:-a@b", "mailto:a@b..c", "ftp:", "1:2",
                      "mailto:a%0d%0a@b", "mailto:.a@b", "mailto:a@b.example!x", "!10m")
    return one_of(r, "mailto:a@b.example", "mailto:a@b.example!10m", "MAILTO:a%2Bb@c.example?subject=x",
                  "mailto:a@b.example.", "mailto:a@b.example!5")


def a_record(r, odd):
    """odd: how often something is not as it should be."""
    tags = []
    if r.random() > odd / 2:
        tags.append(("p", a_policy(r, odd / 2)))
    for name in ("sp", "np"):
        if r.random() < 0.3:
            tags.append((name, a_policy(r, odd / 2)))
    for name, good in (("psd", "ynuYN"), ("t", "yynnY"), ("adkim", "rsS"), ("aspf", "rsR")):
        if r.random() < 0.2:
            tags.append((name, one_of(r, "x", "yes", "") if r.random() < odd else r.choice(good)))
    if r.random() < 0.3:
        tags.append(("rua", ",".join(a_uri(r, odd) for _ in range(r.choice((1, 1, 2, 12))))))
    if r.random() < 0.1:
        tags.append(one_of(r, ("pct", "50"), ("x-y", "1"), ("P", "reject"), ("fo", "1"), ("ruf", "mailto:a@b"), ("rf", "")))
    if tags and r.random() < odd / 2:
        tags.append(r.choice(tags))
    if r.random() < 0.3:
        r.shuffle(tags)
    parts = ["%s%s=%s%s" % (n, some_blanks(r), some_blanks(r), v) for n, v in tags]
    if r.random() < odd:
        parts.insert(r.randrange(len(parts) + 1), one_of(r, "", " ", "=", "p", "x", "sp", "=reject", "v=DMARC1"))
    version = one_of(r, "v=dmarc1", "v=DMARC1x", " v=DMARC1", "V=DMARC1", "v=DMARC2", "v", "v:DMARC1") \
        if r.random() < odd else one_of(r, "v=DMARC1", "v=DMARC1", "v=DMARC1", "v = DMARC1 ")
    text = (some_blanks(r) + ";" + some_blanks(r)).join([version] + parts) + one_of(r, "", ";", " ;", "; ")
    return text.encode("latin-1")


def a_name(r, depth):
    top = one_of(r, "com", "com", "example", "bank.example", "jp", "co.jp", "kobe.jp", "city.kobe.jp", "b.com", "unlisted")
    labels = [r.choice("abc") for _ in range(depth)] + [top]
    return ".".join(labels)


def a_relative(r, name):
    """A name that may be of the same organization."""
    labels = name.split(".")
    cut = r.randrange(len(labels) + 1)
    new = [r.choice("abc") for _ in range(r.choice((0, 0, 0, 1, 1, 2, 6)))]
    got = new + labels[cut:]
    return ".".join(got) if got else name


def a_world(r, odd=0.15, fail=0.05):
    w = World()
    w.authors = [a_name(r, r.choice((0, 1, 1, 1, 2, 2, 3, 4, 6, 7, 8, 9, 12)))]
    while r.random() < 0.06:
        w.authors.append(one_of(r, a_name(r, 2), a_relative(r, w.authors[0]), w.authors[0]))
    if r.random() < 0.5:
        w.spf = [a_relative(r, w.authors[0])]
    w.dkim = [one_of(r, a_relative(r, w.authors[0]), a_relative(r, w.authors[0]), a_name(r, 1))
              for _ in range(r.choice((0, 0, 1, 1, 2, 4)))]
    near = sorted({t for n in w.authors + w.spf + w.dkim for t in oracle.tails(n)})
    for name in near:
        if r.random() < (0.35 if "." in name else 0.2):
            n = 2 if r.random() < odd / 2 else 1
            w.dns.txt["_dmarc." + name] = [a_record(r, odd) for _ in range(n)]
            if r.random() < 0.1:
                w.dns.txt["_dmarc." + name].append(one_of(r, b"v=spf1 -all", b"", b"x"))
        elif r.random() < fail:
            w.dns.failing.add("_dmarc." + name)
        roll = r.random()
        if roll < 0.15:
            w.dns.a.add(name)
        elif roll < 0.25:
            w.dns.mx.add(name)
        elif roll < 0.25 + fail:
            w.dns.failing.add(name)
    return w


# --- ours ---

def ours(worlds, folder):
    """A pair (RFC 9989, RFC 7489) for each world."""
    path = os.path.join(folder, "rules")
    with open(path, "w") as f:
        f.write("\n".join(RULES) + "\n")
    text = "\n".join(line for w in worlds for line in w.lines()) + "\n"
    got = subprocess.run([TOOL, path], input=text, capture_output=True, text=True, check=True, timeout=250)
    rows = [tuple(line.split()) for line in got.stdout.splitlines()]
    return list(zip(rows[0::2], rows[1::2]))


def as_row(verdict):
    result, asked, org, where, tag, policy, spf, dkim = verdict
    dot = lambda name: name + "." if name else "-"
    return (result, asked, dot(org), dot(where), tag or "-", policy or "-", str(int(spf)), str(int(dkim)))


def test_text(tap, worlds, got):
    """All of the verdict, in both standards."""
    for i, (name, rules) in enumerate((("RFC 9989", None), ("RFC 7489", set(RULES)))):
        faults, counts = [], {}
        for w, pair in zip(worlds, got):
            want = as_row(oracle.check(w.dns, w.authors, w.spf, w.dkim, rules))
            counts[want[0]] = counts.get(want[0], 0) + 1
            if pair[i] != want:
                faults.append("%s\nours %s\ntext %s\n" % (w, " ".join(pair[i]), " ".join(want)))
        tap.none(faults, "%s: %d worlds as the text has it (%s)" % (
            name, len(worlds), ", ".join("%s %d" % kv for kv in sorted(counts.items()))))
        tap.ok(all(counts.get(k, 0) * 100 > len(worlds) for k in ("pass", "fail", "none", "temperror")),
               "%s: each result came up" % name, counts)


# --- Mail::DMARC ---

def perl_rows(worlds, folder):
    """(result, disposition) of each, or None: it died."""
    path = os.path.join(folder, "cases")
    with open(path, "w") as f:
        for w in worlds:
            f.write("\n".join(w.lines()) + "\n")
    run = subprocess.run(["perl", os.path.join(HERE, "dmarc_mail_dmarc.pl"), os.path.join(folder, "rules")],
                         stdin=open(path), capture_output=True, text=True, timeout=280)
    if run.returncode != 0:
        raise RuntimeError(run.stderr[-2000:])
    return [tuple(line.split()) for line in run.stdout.splitlines()]


def plain_world(r):
    """What both read alike: one author below the top, well-formed records, a DNS that answers, listed tops, no exceptions."""
    while True:
        w = a_world(r, odd=0, fail=0)
        if len(set(w.authors)) == 1 and "." in w.authors[0] and \
                not any("city.kobe" in n or "unlisted" in n for n in w.authors + w.spf + w.dkim):
            break
    w.authors = w.authors[:1]
    return w


def why_not(w):
    """The known differences: Mail::DMARC's older reading, or its own; None: there is none."""
    found = [oracle.Record(t) for n in w.dns.txt for t in w.dns.txt[n] if oracle.VERSION.match(t)]
    if any("np" in f.tags for f in found):
        return "np (RFC 9091), which 1.20211209 does not know"
    if any(b"pct" in t for n in w.dns.txt for t in w.dns.txt[n]):
        return "pct: it draws lots"
    if any(len(w.dns.txt[n]) > 1 and sum(bool(oracle.VERSION.match(t)) for t in w.dns.txt[n]) > 1 for n in w.dns.txt):
        return "several records: it says fail with no policy, the RFC applies no DMARC (section 6.6.3)"
    if any(t[:8].lower() != b"v=dmarc1" for n in w.dns.txt for t in w.dns.txt[n] if oracle.VERSION.match(t)):
        return "blanks in \"v = DMARC1\", which the grammar allows (section 6.4)"
    if any("P" in t.decode("latin-1") and "P=" in t.decode("latin-1") for n in w.dns.txt for t in w.dns.txt[n]):
        return "tags in capitals: it reads P= as p= (RFC 6376 section 3.2: case-sensitive)"
    return None


def compare(tap, name, worlds, got, theirs, why):
    """got and theirs: (result, disposition) each; why: a known reason of a world, or None."""
    tap.equal(len(theirs), len(worlds), name + " answers to all")
    faults, known, same = [], {}, 0
    for w, our, row in zip(worlds, got, theirs):
        if our[:2] == row:
            same += 1
            continue
        reason = why(w, our, row)
        if reason is None:
            faults.append("%s\nours %s\ntheirs %s\n" % (w, " ".join(our), " ".join(row)))
        else:
            known[reason] = known.get(reason, 0) + 1
    tap.none(faults, "%s: %d of %d the same, each other one for a known reason" % (name, same, len(worlds)))
    for reason, n in sorted(known.items()):
        tap.diag("%d: %s" % (n, reason))
    tap.ok(same * 10 > len(worlds) * 6, name + ": most are the same", same)


def test_perl(tap, r, count, folder):
    if shutil.which("perl") is None or subprocess.run(
            ["perl", "-MMail::DMARC::PurePerl", "-e", "1"], capture_output=True).returncode != 0:
        tap.skip("Mail::DMARC", "libmail-dmarc-perl is not installed")
        return
    worlds = [plain_world(r) for _ in range(count)]
    got = ours(worlds, folder)
    compare(tap, "Mail::DMARC", worlds, [pair[1] for pair in got], perl_rows(worlds, folder),
            lambda w, our, row: why_not(w))


# --- mailauth ---

def why_mailauth(w, our, row):
    """mailauth 7.1.0, in its default mode."""
    for text in (t for n in w.dns.txt for t in w.dns.txt[n]):
        names = [p.split(b"=")[0].strip(b" \t") for p in text.split(b";") if p.strip(b" \t")]
        if text.startswith(b" v="):
            return "a blank before the version, which the grammar does not have (RFC 9989 section 4.8)"
        if len(names) != len({n.lower() for n in names}):
            return "a tag said twice: the last of them counts there, none here (RFC 6376 section 3.2: none may be)"
        if b"P" in names:
            return "tags in capitals: it reads P= as p= (RFC 6376 section 3.2: case-sensitive)"
        if re.search(rb"mailto:(a%|\.a@|a@b\.\.c|-a@)", text):
            return "an address that is none of RFC 5321, or begins like an option"
    if our[0] == "fail" and row[0] == "temperror":
        return "a failed question on which nothing hangs: the identifier's organization is known, the author is not in it"
    return None


def test_mailauth(tap, r, count):
    folder = os.environ.get("SEKISHO_MAILAUTH")
    if folder is None or shutil.which("node") is None:
        tap.skip("mailauth", "SEKISHO_MAILAUTH does not name its folder")
        return
    worlds = [w for w in (a_world(r) for _ in range(count)) if len(set(w.authors)) == 1]
    run = subprocess.run(["node", os.path.join(HERE, "dmarc_mailauth.js"), folder], capture_output=True, text=True,
                         input="\n".join(line for w in worlds for line in w.lines()) + "\n", timeout=200, check=True)
    with tempfile.TemporaryDirectory() as rules:
        got = ours(worlds, rules)
    compare(tap, "mailauth", worlds, [pair[0] for pair in got],
            [tuple(line.split()) for line in run.stdout.splitlines()], why_mailauth)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--seed", type=int, default=9989)
    args.add_argument("--count", type=int, default=5000)
    opt = args.parse_args()
    tap, r = Tap(), random.Random(opt.seed)
    with tempfile.TemporaryDirectory() as folder:
        worlds = [a_world(r) for _ in range(opt.count)]
        got = ours(worlds, folder)
        tap.equal(len(got), len(worlds), "a verdict for each world")
        test_text(tap, worlds, got)
        test_perl(tap, r, max(opt.count // 5, 200), folder)
        test_mailauth(tap, r, opt.count)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
