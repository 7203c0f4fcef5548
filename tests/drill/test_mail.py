#!/usr/bin/env python3
"""Drills of mail: break a record, a program or a machine under a running Postfix
with our milter, and look at what the sender is told, and what the support desk
reads; then heal it. doc/drills.md tells the same for hands. The world is that of
`sekisho lab mail`, everything on loopback."""
import json
import os
import re
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
for there in ("peer", "cli", "lab"):
    sys.path.insert(0, os.path.join(HERE, "..", there))
import house  # noqa: E402
import postfix  # noqa: E402
from patience import patient, wait_for  # noqa: E402
from tap import Tap  # noqa: E402
from test_lab_mail import UNBOUND, lab, listens, ports, start, stop, text  # noqa: E402

KEY = r"^r1\._domainkey\.strict\.example\. .*\n"
SPF = r"^(strict\.example\. .*)ip4:192\.0\.2\.0/28 "
DMARC = r"^(_dmarc\.strict\.example\. .*)p=reject"

# what is done | the record that changes, and into what | the flow that shows it | the reply now |
# … and before | the finding, or None | the story
RECORDS = [
    ("a key is withdrawn while mail is on its way", KEY, "", "forward-plain", "550", "250", "DKIM_KEY_NONE", "forwarded"),
    ("a key's record is cut off", r"^(r1\._domainkey\.strict\.example\. .{90}).*\"", r'\1"', "forward-plain", "550", "250",
     "DKIM_KEY_BASE64", "broken"),
    ("the SPF record forgets a server", SPF, r"\1ip4:192.0.2.2 ", "direct-unsigned", "550", "250", None, "own"),
    ("a second SPF record", r"^(strict\.example\. .*)-all\"\n", r'\1-all"\n\1~all"\n', "direct-unsigned", "550", "250",
     "SPF_RECORDS_MULTIPLE", "broken"),
    ("an SPF record that includes itself", r"^(strict\.example\. .*)ip4.*\"", r'\1include:strict.example -all"', "direct-unsigned", "550", "250",
     "SPF_LOOP", "broken"),
    ("p=none again", DMARC, r"\1p=none", "spoof-reject", "250", "550", "DMARC_FAIL", "spoof"),
    ("a typing error in the policy", DMARC, r"\1p=rejcet", "spoof-reject", "250", "550", "DMARC_P_NONE", "spoof"),
    ("a second DMARC record", r"^(_dmarc\.strict\.example\. .*)p=reject(.*)\n", r"\1p=reject\2\n\1p=none\2\n", "spoof-reject", "250", "550",
     "DMARC_RECORDS", "spoof"),
]


class World:
    """The lab's programs, and its records in both forms."""

    def __init__(self, folder):
        self.d, self.first = folder, ports()
        self.unbound = None
        os.chmod(folder, 0o755)		# Postfix goes through it
        self.made = lab("--first-port", str(self.first), folder)
        self.zone, self.resolver = text(folder, "world.zone"), text(folder, "unbound.conf")
        self.flows = {f["label"]: f for f in json.loads(text(folder, "flows.json"))["flows"]}
        self.serve = start(os.path.join(folder, "serve.log"), house.SEKISHO, "serve", "-c", self.conf())

    def conf(self):
        return os.path.join(self.d, "sekisho.conf")

    def write(self, name, octets):
        with open(os.path.join(self.d, name), "w", encoding="utf-8") as f:
            f.write(octets)

    def records(self, what=None, to=""):
        """The world's DNS with one record changed, in the zone file and in the resolver."""
        zone, n = re.subn(what, to, self.zone, flags=re.M) if what else (self.zone, 1)
        self.write("world.zone", zone)
        data = ["\tlocal-data: '%s'" % ln for ln in zone.splitlines() if ln and not ln.startswith((";", "$"))]
        head, tail = re.sub(r"^\tlocal-data: .*\n", "", self.resolver, flags=re.M).split("remote-control:")
        self.write("unbound.conf", head + "\n".join(data) + "\nremote-control:" + tail)
        return n

    def refuse(self, name):
        """The records as they were, but for one name the resolver has no answer."""
        self.records()
        self.write("unbound.conf", text(self.d, "unbound.conf").replace("remote-control:", "\tlocal-zone: \"%s.\" always_refuse\nremote-control:" % name))

    def dns(self, up=True):
        if self.unbound:
            stop(self.unbound)
        self.unbound = start(os.path.join(self.d, "unbound.log"), UNBOUND, "-d", "-c", os.path.join(self.d, "unbound.conf")) if up else None
        return not up or wait_for(lambda: listens(self.first + 2), 20)

    def status(self):
        out = subprocess.run([house.SEKISHO, "status", "-c", self.conf(), "--json"], capture_output=True, timeout=patient(30)).stdout
        return json.loads(out) if out else {"house": {"roles": []}, "details": {}}

    def role(self, name):
        return next((r for r in self.status()["house"]["roles"] if r["name"] == name), {"pid": 0, "ready": False})

    def kill(self, name):
        """As the kernel would; the role is there again when this returns, with nothing that it knew."""
        pid = self.role(name)["pid"]
        os.kill(pid, signal.SIGKILL)
        return wait_for(lambda: self.role(name)["ready"] and self.role(name)["pid"] not in (0, pid), 20)

    def reload(self, old, new):
        """Another option of the milter, which lives anew."""
        pid = self.role("milter")["pid"]
        self.write("sekisho.conf", text(self.conf()).replace(old, new))
        subprocess.run([house.SEKISHO, "reload", "-c", self.conf()], capture_output=True, timeout=patient(30))
        return wait_for(lambda: self.role("milter")["pid"] not in (0, pid), 20) and wait_for(self.has_keys, 20)

    def milter(self):
        """Forgets its answers, and has the table of keys again."""
        return self.kill("milter") and wait_for(self.has_keys, 20)

    def has_keys(self):
        return self.status()["details"].get("milter", {}).get("status", {}).get("keys", False)

    def send(self):
        """What becomes of a message of each flow."""
        _, out, err = lab("--send", "127.0.0.1:%d" % self.first, "--json", "--parallel", "4", "--variants", "1", self.d)
        return {r["label"]: "250" if r["accepted"] else r["reply"] or "none" for r in json.loads(out)["flows"]} if out else {"": err}

    def explain(self, label, lang="en"):
        f = self.flows[label]
        out = subprocess.run([house.SEKISHO, "mail", "explain", "--json", "--lang", lang, "--dns", os.path.join(self.d, "world.zone"),
                              "--client", f["client"], "--helo", f["helo"], "--sender", f["sender"],
                              os.path.join(self.d, f["file"])], capture_output=True, timeout=patient(30)).stdout
        return json.loads(out)

    def up(self):
        self.records()
        ok = self.dns() and wait_for(lambda: os.path.exists(os.path.join(self.d, "run", "milter")), 20)
        subprocess.run(["postfix", "-c", os.path.join(self.d, "postfix"), "start"], capture_output=True, timeout=patient(60))
        return ok and wait_for(lambda: listens(self.first), 20) and wait_for(self.has_keys, 20)

    def down(self):
        subprocess.run(["postfix", "-c", os.path.join(self.d, "postfix"), "stop"], capture_output=True, timeout=patient(60))
        for p in (self.unbound, self.serve):
            if p:
                stop(p)


def record(t, w, all_before, name, what, to, label, now, before, code, story):
    t.ok(all_before.get(label, "").startswith(before), "%s: before it, %s is answered %s" % (name, label, before), all_before)
    if not t.equal(w.records(what, to), 1, "%s: one record" % name):
        return
    t.ok(w.dns() and w.milter(), "%s: the resolver has it" % name, text(w.d, "unbound.log"))
    replies = w.send()
    t.ok(replies.get(label, "").startswith(now), "%s: %s is answered %s" % (name, label, now), replies)
    t.equal(sum(1 for r in replies.values() if not r.startswith(("250", "550"))), 0, "%s: nobody is put off" % name)
    e = w.explain(label)
    codes = [f["code"] for f in e["findings"]]
    t.ok(code is None or code in codes, "%s: the finding is %s" % (name, code), codes)
    t.equal(e["story"]["kind"], story, "%s: the story" % name)
    ja = w.explain(label, "ja")["story"]
    t.ok(ja["kind"] == story and ja["text"] != e["story"]["text"] and ja["step"] != e["story"]["step"],
         "%s: also in Japanese" % name)


def healed(t, w, before):
    w.records()
    t.ok(w.dns() and w.milter(), "healed: the records as they were")
    replies = w.send()
    t.equal({k: v[:3] for k, v in replies.items()}, {k: v[:3] for k, v in before.items()}, "healed: every flow as before")


def no_dns(t, w):
    """Nobody answers: mail is let in, or asked for again, by choice."""
    w.dns(up=False)
    t.ok(w.milter(), "the resolver is gone")
    replies = w.send()
    t.ok(all(r == "250" for label, r in replies.items() if label != "several-from"),
         "nothing is refused while the DNS does not answer", replies)
    t.ok(replies["several-from"].startswith("550"), "… but what needs no DNS", replies)
    t.ok(w.reload("policy: enforce", "policy: enforce\n  on-temperror: tempfail"), "another choice")
    replies = w.send()
    t.ok(replies["spoof-reject"].startswith("451") and replies["direct"].startswith("451"), "then it is asked for again", replies)
    t.ok(w.reload("policy: enforce\n  on-temperror: tempfail", "policy: enforce"), "and back")


def no_key(t, w):
    """The policy is known, a key is not: a stranger can bring that about, so mail is not let in for it."""
    w.refuse("r1._domainkey.strict.example")
    t.ok(w.dns() and w.milter(), "one key is not answered", text(w.d, "unbound.log"))
    replies = w.send()
    t.ok(replies["forward-plain"].startswith("451"), "what only that key proves is asked for again", replies)
    t.ok(replies["direct-unsigned"] == "250" and replies["spoof-reject"].startswith("550"), "the rest is what it was", replies)
    t.ok(w.reload("policy: enforce", "policy: enforce\n  on-temperror: accept"), "another choice")
    replies = w.send()
    t.equal(replies["forward-plain"], "250", "then it is let in")
    t.ok(w.reload("policy: enforce\n  on-temperror: accept", "policy: enforce"), "and back")


def seal_killed(t, w):
    t.ok(w.kill("seal"), "the keys' process is killed, and there again")
    replies = w.send()
    t.ok(replies.get("direct", "").startswith("250"), "mail goes on", replies)


def main():
    t = Tap()
    why = postfix.missing() or (None if os.path.exists(UNBOUND) else "no unbound")
    if why:
        t.skip("drills of mail", why)
        return t.done()
    with house.folder() as d:
        w = World(d)
        try:
            if t.ok(w.made[0] == 0 and w.up(), "the world is up", w.made[2] + text(d, "serve.log") + text(d, "postfix", "log")):
                before = w.send()
                for r in RECORDS:
                    t.case(record, t, w, before, *r)
                t.case(no_key, t, w)
                t.case(no_dns, t, w)
                t.case(healed, t, w, before)
                t.case(seal_killed, t, w)
        finally:
            w.down()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
