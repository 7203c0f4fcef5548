#!/usr/bin/env python3
"""
sekisho lab mail: each flow's message with its envelope and the world's DNS is
judged by `sekisho mail verify`, and what the description expects has to come
out; other implementations have to agree about signatures and SPF.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

SRC = os.environ.get("SEKISHO_SRC") or os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("SEKISHO_BUILD") or os.path.join(SRC, "build")
SEKISHO = os.path.join(BUILD, "sekisho")
AT = "2026-11-23T05:00:00Z"

n = 0
failed = 0


def ok(good, what, detail=""):
    global n, failed
    n += 1
    failed += not good
    print("%sok %d - %s" % ("" if good else "not ", n, what), flush=True)
    if not good:
        for line in str(detail).splitlines()[:40]:
            print("# " + line, flush=True)


def run(*words, stdin=b""):
    p = subprocess.run([SEKISHO, *words], input=stdin, capture_output=True, timeout=240, env={**os.environ, "LANG": "C", "LC_ALL": ""})
    return p.returncode, p.stdout.decode(), p.stderr.decode()


def read(*path):
    with open(os.path.join(*path), "rb") as f:
        return f.read()


def judge(d, f):
    code, out, err = run("mail", "verify", "--json", "--psl", "none", "--at", AT, "--dns", os.path.join(d, "world.zone"),
                         "--client", f["client"], "--helo", f["helo"], "--sender", f["sender"],
                         "--authserv-id", "gate.example", os.path.join(d, f["file"]))
    return json.loads(out) if out.startswith("{") else {"error": err}


def found(j):
    """What the description's words are, of what verify says."""
    d = j["dmarc"]
    now = d["authors"][0]["now"] if len(d["authors"]) == 1 else {}
    return {"spf": j["spf"][0]["result"], "dkim": [s["result"] for s in j["dkim"]], "arc": j["arc"]["result"],
            "dmarc": d["result"], "disposition": d["disposition"], "story": j["story"]["kind"],
            "policy": now.get("record_at"), "aligned": [k for k in ("dkim", "spf") if now.get(k + "_aligned")]}


def expectations(d, flows):
    with ThreadPoolExecutor(2) as pool:
        judged = list(pool.map(lambda f: judge(d, f), flows))
    for f, j in zip(flows, judged):
        if "error" in j:
            ok(False, f["label"] + ": judged", j["error"])
            continue
        got = found(j)
        want = {k: v for k, v in f["expect"].items() if k in got}
        if f["label"] == "several-from":		# its signature is the attacker's: no matter which
            want.pop("dkim")
        ok(want == {k: got[k] for k in want}, f["label"] + ": as expected",
           "\n".join("%s: %s expected, %s found" % (k, want[k], got[k]) for k in want if want[k] != got[k]))
    labels = {f["label"] for f in flows}
    for kind in ("direct", "list", "forward", "service", "spoof", "bounce", "replay", "key", "forged", "cousin"):
        ok(any(x.startswith(kind) for x in labels), "there are flows of the kind " + kind)
    stories = {f["expect"].get("story") for f in flows}
    ok({"direct", "list", "forwarded", "own", "service", "spoof", "unprotected", "changed"} <= stories, "each story is told", stories)


def explained(d, flows):
    """explain has the same story in words."""
    for label, text in (("spoof-reject", "Next step"), ("list-plain", "through a mailing list")):
        f = next(x for x in flows if x["label"] == label)
        code, out, err = run("mail", "explain", "--psl", "none", "--at", AT, "--dns", os.path.join(d, "world.zone"), "--client", f["client"],
                             "--helo", f["helo"], "--sender", f["sender"], os.path.join(d, f["file"]))
        ok(code == 1 and text in out, "explain: " + label, out + err)


def reports(d, flows):
    rows = json.loads(read(d, "expected-report.json"))
    ok(sum(r["count"] for r in rows) == sum(f["expect"]["policy"] is not None for f in flows), "each flow with a policy is in a row", rows)
    keys = [tuple(v for k, v in sorted(r.items()) if k != "count") for r in rows]
    ok(len(keys) == len(set(keys)), "rows that are alike are one", keys)
    spoof = [r for r in rows if r["policy_domain"] == "strict.example" and r["source_ip"] == "203.0.113.66" and r["dkim"] == "fail"]
    ok([r["count"] for r in spoof] == [5] and spoof[0]["asked"] == "reject", "spoofs of one domain from one address are counted", spoof)


def again(d):
    """The same seed and time: the same bytes; others: others."""
    names = ["world.zone", "flows.json", "expected-report.json", "flows/001.eml", "flows/024.eml", "keys/r1.strict.example.pem",
             "keys/e1.strict.example.pem"]
    with tempfile.TemporaryDirectory() as e:
        run("lab", "mail", "-q", "--at", AT, "--jobs", "1", e)
        ok([x for x in names if read(d, x) != read(e, x)] == [], "the same again")
        ok(os.stat(os.path.join(e, names[-1])).st_mode & 0o77 == 0, "keys are their owner's")
        run("lab", "mail", "-q", "--at", AT, "--seed", "7", e)
        ok([x for x in names[3:] if read(d, x) == read(e, x)] == [], "with another seed: other keys and messages")
        f = json.loads(read(e, "flows.json"))["flows"][0]
        ok(judge(e, f)["dkim"][0]["result"] == "pass", "… that hold")


def refusals():
    flow = "flow a {\n\tfrom A <a@a.example>\n\tclient 192.0.2.1\n\thelo a.example\n\tsender a@a.example\n\tto b@b.example\n%s}\n"
    with tempfile.TemporaryDirectory() as d:
        def world(text):
            path = os.path.join(d, "w.lab")
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
            return run("lab", "mail", "-q", "--at", AT, "--world", path, os.path.join(d, "out"))
        for text, rc, what in [
                ("", 2, "has no flow"), ("nothing\n", 2, ":1: nothing"), ("domain a.example\n", 2, "{"),
                ("domain a.example {\n", 2, "a.example is not closed"), ("domain a..b {\n}\n", 2, "no name"),
                ("domain a.example {\n\tkey k dsa\n}\n", 2, ":2: dsa"), ("domain a.example {\n\trecord x\n}\n", 2, "record NAME TYPE DATA"),
                ("domain a.example {\n}\ndomain a.example {\n}\n", 2, ":3: a.example is there already"),
                (flow % "", 2, "expect is missing"), (flow % "\texpect spf=pass\n\tsign a.example k\n", 2, "of a key above"),
                (flow % "\tclient 192.0.2.0/24\n", 2, "no address"), (flow % "\tsender a b@c\n", 2, "no address"),
                (flow % "\texpect luck=good\n", 2, "luck=good"), (flow % "\tbody 0\n", 2, ":7: 0"), (flow % "\tfield none\n", 2, "no field"),
                (flow % "\tto\n", 2, "too many or too few"), (flow % "\texpect\n", 2, "too many or too few"), ("seed x\n", 2, ":1: x"), ("at noon\n", 2, ":1: noon"),
                (flow % "\texpect accepted\n" * 2, 2, "there already"), (flow % "\tweight -1\n", 2, "-1")]:
            code, out, err = world(text)
            ok(code == rc and what in err and err.count("\n") == 1, "refused: " + repr(text[-40:]), (code, out, err))
        code, out, err = world(flow % "\texpect spf=none accepted\n")
        ok(code == 0 and err == "" and b"Date:" in read(d, "out", "flows", "001.eml"), "the smallest world", err)
    for words, rc in ((["lab", "mail"], 2), (["lab", "mail", "a", "b"], 2), (["lab", "mail", "--seed", "x", "a"], 2), (["lab", "mail", "--rate", "0", "a"], 2),
                      (["lab", "mail", "--world", "/nonexistent/x", "a"], 3), (["lab", "mail", "-q", "/dev/null/x"], 3)):
        code, out, err = run(*words)
        ok(code == rc and err, " ".join(words), (code, out, err))


def reflector(d, flows):
    by = {f["label"]: f for f in flows}

    def reflect(label, *words, change=lambda x: x, recipient="reflector@gate.example"):
        f = by[label]
        return run("lab", "reflect", "--psl", "none", "--at", AT, "--dns", os.path.join(d, "world.zone"), "--client", f["client"], "--helo", f["helo"],
                   "--sender", f["sender"], "--recipient", recipient, *words, stdin=change(read(d, f["file"])))
    code, out, err = reflect("direct")
    head, _, body = out.partition("\n\n")
    ok(code == 0 and "From: reflector@gate.example\nTo: alice@strict.example\nSubject: Auto: A message of the lab: direct\n" in out and
       "\nAuto-Submitted: auto-replied\n" in head and "\nIn-Reply-To: <" in head and "Next step" in body and "Content-Language: en" in head,
       "the reflector's answer", out + err)
    code, out, err = reflect("spoof-reject", recipient="reflector-ja@gate.example")
    ok(code == 0 and "次の手順" in out and "Content-Language: ja" in out, "in Japanese", out + err)
    for label, why in (("bounce", "the null sender"), ("list-plain", "a list")):
        code, out, err = reflect(label)
        ok(code == 1 and out == "" and err == "", "no answer: " + why, (code, out, err))
    for field in (b"Auto-Submitted: auto-generated", b"Precedence: bulk", b"List-Id: <x.example>"):
        code, out, err = reflect("direct", change=lambda x: field + b"\r\n" + x)
        ok(code == 1 and out == "", "no answer: " + field.decode(), out)
    for sender in ("owner-x@a.example", "x-request@a.example", "MAILER-DAEMON@a.example", "reflector@gate.example", "no-reply@a.example", "a\nBcc: x@b"):
        code, out, err = reflect("direct", "--sender", sender)
        ok(code == 1 and out == "", "no answer: " + repr(sender), out)
    code, out, err = reflect("direct", change=lambda x: x.replace(b"Subject: A", b"Subject: B\r\n Bcc: x@b.example\r\n \x1b[1m"))
    ok(code == 0 and "\nBcc" not in out and "\x1b" not in out, "a subject stays one line", out)
    for recipient in ("", "x", "a@b.example\nBcc: c@d.example"):
        code, out, err = reflect("direct", recipient=recipient)
        ok(code == 2 and out == "", "a recipient that is none: " + repr(recipient), out)


# --- others ---

DKIMPY = """
import json, sys, dkim
texts, out = json.load(open(sys.argv[1])), []
txt = lambda name, timeout=5: texts.get(name.decode().rstrip(".").lower(), "").encode() or None
for path in sys.argv[2:]:
    text, r = open(path, "rb").read(), []
    k = text.split(b"\\r\\n\\r\\n")[0].lower().count(b"\\ndkim-signature:") + text.lower().startswith(b"dkim-signature:")
    for i in range(k):
        try:
            r.append(dkim.DKIM(text).verify(idx=i, dnsfunc=txt))
        except dkim.DKIMException:
            r.append(False)
    out.append([r, dkim.ARC(text).verify(dnsfunc=txt)[0].decode()])
print(json.dumps(out))
"""
PYSPF = """
import json, sys, spf
zone = json.load(open(sys.argv[1]))
def lookup(name, qtype, *rest, **more):
    return [((name, qtype), (d.encode(),) if qtype in ("TXT", "SPF") else d) for t, d in zone.get(name.rstrip(".").lower(), []) if t == qtype]
spf.DNSLookup = lookup
print(json.dumps([spf.query(i=f["client"], s=f["sender"], h=f["helo"]).check()[0] for f in json.load(open(sys.argv[2]))]))
"""


def zone_read(d):
    out = {}
    for line in read(d, "world.zone").decode().splitlines():
        m = re.match(r"(\S+)\. 3600 IN (\S+) (.*)", line)
        if m:
            data = "".join(re.findall(r'"([^"]*)"', m[3])) if m[2] == "TXT" else m[3]
            out.setdefault(m[1].lower(), []).append((m[2], data))
    return out


def other(d, script, *args):
    """By Debian's Python, which has the modules; None where it has not."""
    path = os.path.join(d, "other.py")
    with open(path, "w", encoding="utf-8") as f:
        f.write(script)
    p = subprocess.run(["/usr/bin/python3", "-B", path, *args], capture_output=True, timeout=240)
    if b"ModuleNotFoundError" in p.stderr:
        return None
    return json.loads(p.stdout) if p.returncode == 0 else p.stderr.decode()


def peers(d, flows):
    zone = zone_read(d)
    with open(os.path.join(d, "txt.json"), "w", encoding="utf-8") as f:
        json.dump({k: x for k, v in zone.items() for t, x in v if t == "TXT"}, f)
    with open(os.path.join(d, "zone.json"), "w", encoding="utf-8") as f:
        json.dump(zone, f)
    got = other(d, DKIMPY, os.path.join(d, "txt.json"), *[os.path.join(d, f["file"]) for f in flows])
    if got is None:
        ok(True, "dkimpy # SKIP not here")
    else:
        bad = [(f["label"], f["expect"], g) for f, g in zip(flows, got)
               if f["label"] not in ("several-from", "signature-expired") and
               ([x == "pass" for x in f["expect"]["dkim"]] != g[0] or f["expect"]["arc"] != g[1])] if isinstance(got, list) else got
        ok(bad == [], "dkimpy has the same signatures and chains", bad)
    # pyspf wants a HELO for the null sender, and takes the author's for %{s}: results are the same.
    got = other(d, PYSPF, os.path.join(d, "zone.json"), os.path.join(d, "flows-only.json"))
    if got is None:
        ok(True, "pyspf # SKIP not here")
    else:
        bad = [(f["label"], f["expect"]["spf"], g) for f, g in zip(flows, got) if f["expect"]["spf"] != g] if isinstance(got, list) else got
        ok(bad == [], "pyspf has the same SPF", bad)


def main():
    with tempfile.TemporaryDirectory() as d:
        code, out, err = run("lab", "mail", "--at", AT, d)
        ok(code == 0 and err == "" and "flows in" in out, "a world", out + err)
        world = json.loads(read(d, "flows.json"))
        flows = world["flows"]
        with open(os.path.join(d, "flows-only.json"), "w", encoding="utf-8") as f:
            json.dump(flows, f)
        ok(world["at"] == AT and len(flows) > 40, "some forty flows", len(flows))
        expectations(d, flows)
        explained(d, flows)
        reports(d, flows)
        reflector(d, flows)
        again(d)
        peers(d, flows)
    refusals()
    print("1..%d" % n)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
