#!/usr/bin/env python3
"""
Keys of mail whose records are looked at: role seal and role name, their parent played by role_kit,
among name servers on loopback. What is seen alone moves a key of the house on; a record that is
gone while its key signs is told; and nobody is asked twice in a row.
"""
import base64
import json
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dns_world as w  # noqa: E402
import house  # noqa: E402
import role_kit  # noqa: E402
from house import Tap  # noqa: E402

t = Tap()
ZONE = """
@ 3600 IN SOA ns1.example.jp. admin.example.jp. 1 3600 900 604800 300
@ 3600 IN NS ns1.example.jp.
@ 3600 IN NS ns2.example.jp.
ns1 3600 IN A 192.0.2.21
ns2 3600 IN A 192.0.2.22
"""


def txt(text):
    return b"".join(bytes([len(text[n:n + 255])]) + text[n:n + 255].encode() for n in range(0, len(text), 255))


class Zone(w.Zone):
    """With aliases, as a server gives them."""

    def get(self, owner, kind):
        return super().get(owner, kind) or super().get(owner, 5)


class Pair:
    """Both roles, in a world of two servers and a resolver; what one says, the other hears."""

    def __init__(self, state, rows="", offset=0):
        self.state, self.rows, self.offset = state, rows, offset
        self.world = w.World()
        self.zones = [Zone("example.jp.", ZONE), Zone("example.jp.", ZONE)]
        self.servers = [self.world.add(w.Server(a, [z])) for a, z in zip(("192.0.2.21", "192.0.2.22"), self.zones)]
        self.resolver = self.world.add(w.Resolver(None, self.zones[:1]))
        self.name = self.seal = None
        self.begin()

    def begin(self):
        """Another life of both."""
        self.end()
        self.name = role_kit.Role("name", {"zones": "", "interval": 3600, "hosts": self.world.hosts(),
                                           "resolver": "127.0.0.1:%d" % self.resolver.port})
        self.seal = role_kit.Role("seal", {"folder": self.state + "/mail-keys", "rows": self.rows}, offset=self.offset)
        self.seal.handlers["seal_look"] = lambda m: self.name.send("seal_look", "seal", **m)
        self.name.handlers["seal_looked"] = lambda m: self.seal.send("seal_looked", "name", **m)
        assert self.name.ready() and self.seal.ready(), self.name.log + self.seal.log

    def end(self):
        for role in (self.name, self.seal):
            if role:
                role.close()

    def until(self, cond, seconds=20):
        def both():
            self.name.step(0.02)
            return cond()
        return self.seal.until(both, seconds)

    def looked(self, n=1):
        """So many answers in this life."""
        return self.until(lambda: len(self.answers()) >= n)

    def answers(self):
        return [v for m, _, v in self.name.seen if m == "seal_looked"]

    def bad(self):
        """The last word for the alarms."""
        told = [v["bad"] for m, _, v in self.seal.seen if m == "seal_told"]
        return [line.split("\t") for line in told[-1].splitlines()] if told else None

    def key(self, *args):
        out = house.run("mail", "key", *args, "--state", self.state, "--json")[1]
        return json.loads(out)

    def publish(self, key, servers=(0, 1)):
        for i in servers:
            self.zones[i].put(w.name(key["name"]), 16, 300, txt(key["record"]))

    def withdraw(self, key, servers=(0, 1)):
        for i in servers:
            self.zones[i].rrs.pop((w.name(key["name"]), 16), None)

    def close(self):
        self.end()
        self.world.close()


def counts(answer):
    return tuple(answer[x] for x in ("code", "has", "other", "silent"))


def test_roll(d):
    """Made, published, seen, in use: without a command."""
    os.mkdir(d + "/roll", 0o700)
    p = Pair(d + "/roll")
    key = p.key("new", "example.jp", "--selector", "one")
    t.ok(p.looked(), "a key that is made while it runs is looked at")
    t.equal(counts(p.answers()[0]), (0, 0, 2, 0), "no server has it")
    t.equal((p.answers()[0]["why"], p.answers()[0]["ttl"]), ("no such record", 300), "… and why, and for how long")
    t.equal(p.key("show")[0]["state"], "made", "so it is made and no more")
    p.publish(key, [0])
    p.begin()
    t.ok(p.looked(), "another look")
    t.equal(counts(p.answers()[0]), (0, 1, 1, 0), "one has it")
    t.ok(p.until(lambda: p.key("show")[0]["state"] == "published"), "it is published, as a command reads it")
    t.ok(p.until(lambda: any("one._domainkey.example.jp: made, now published" in x for x in p.seal.log)), "… and the log has it")
    t.ok(p.until(lambda: any(m == "audit" and '"now":"published"' in v["json"] for m, _, v in p.seal.seen)), "… and the audit log")
    p.publish(key, [1])
    p.servers[1].mangle = lambda s, tcp, q, r: "close"
    p.begin()
    p.looked()
    t.equal(counts(p.answers()[0]), (0, 1, 0, 1), "a server that is silent may have anything")
    t.equal(p.key("show")[0]["state"], "published", "… and the key waits")
    p.servers[1].mangle = None
    p.begin()
    t.ok(p.until(lambda: p.key("show")[0]["state"] == "seen"), "all have it: seen")
    p.offset = 400
    p.begin()
    t.ok(p.until(lambda: p.seal.status()["keys"] == 1), "… and in use when nobody remembers that it was not there")
    t.ok(p.until(lambda: p.bad() == []), "nothing to tell")
    t.ok(p.until(lambda: [p.seal.status()["records_" + x] for x in ("there", "bad", "unknown")] == [1, 0, 0]), "its status")

    p.withdraw(key, [1])
    p.offset = 800
    p.begin()
    t.ok(p.until(p.bad), "a record that is gone while its key signs is told")
    name, _, server, why = p.bad()[0]
    t.equal((name, server, why), ("one._domainkey.example.jp", "ns2.example.jp", "no such record"), "… of which key, and where")
    t.ok(any("publish its record again" in x for x in p.seal.log), "… and what to do", p.seal.log)
    t.ok(p.until(lambda: p.seal.status()["keys"] == 0), "it does not sign meanwhile")
    p.close()


def test_withdrawn(d):
    """A key that nothing is signed with any more goes, and its row with its record."""
    os.mkdir(d + "/gone", 0o700)
    p = Pair(d + "/gone")
    old, new = p.key("new", "example.jp", "--selector", "old"), p.key("new", "example.jp", "--selector", "new")
    p.publish(old)
    p.publish(new)
    now = int(time.time())
    with open(d + "/gone/mail-keys/table", "w") as f:
        f.write("sekisho mail keys 1\n")
        for selector, at in (("old", now - 30 * 86400), ("new", now - 20 * 86400)):
            f.write("example.jp\t%s\trsa-sha256\t%d\t%d\t%d\t%d\t300\n" % (selector, at, at, at, at))
    p.begin()
    path = d + "/gone/mail-keys/example.jp/old.pem"
    t.ok(p.until(lambda: not os.path.exists(path)), "the private key of a withdrawn one is removed")
    t.equal([k["selector"] for k in p.key("show")], ["old", "new"], "… its row stays, as its record is there")
    p.withdraw(old)
    p.begin()
    t.ok(p.until(lambda: [k["selector"] for k in p.key("show")] == ["new"]), "… and goes with it")
    t.ok(p.until(lambda: p.bad() == []), "which is nothing to tell")
    p.close()


def test_configured(d):
    """Keys of mail.sign: looked at, and told."""
    os.mkdir(d + "/conf", 0o700)
    pem = d + "/conf/s.pem"
    subprocess.run(["openssl", "genpkey", "-out", pem, "-algorithm", "ed25519"], check=True, capture_output=True)
    os.chmod(pem, 0o600)
    rows = "".join("%d\t%s\t%s\t%s\n" % (i, dom, sel, pem) for i, (dom, sel) in enumerate(
        (("example.jp", "s"), (".example.jp", "s"), ("example.jp", "alias"), ("nobody.test", "s"))))
    p = Pair(d + "/conf", rows)
    alias = w.name("alias._domainkey.example.jp")
    for z in p.zones:
        z.put(alias, 5, 300, w.name("s._domainkey.example.com"))
    other = {"name": "s._domainkey.example.jp", "record": "v=DKIM1; k=ed25519; p=" + "A" * 43 + "="}
    p.publish(other)
    p.begin()
    t.ok(p.looked(3), "one look for two lines of one key")
    t.ok(p.until(p.bad), "the key of another is told")
    t.ok(p.looked(3), "… when all have been looked at")
    t.equal([(x[0], x[3]) for x in p.bad()], [("s._domainkey.example.jp", "another record")], "… and no other; an alias is not known")
    got = {w.text(a["key"]): (counts(a), a["why"]) for a in p.answers()}
    t.equal(got["alias._domainkey.example.jp."], ((0, 0, 0, 2), "an alias; what it leads to is not looked at"), "an alias")
    t.ok(got["s._domainkey.nobody.test."][0][0] < 0, "a zone that nobody can find is no answer", got)
    n = len(p.answers())
    p.seal.idle(7)
    t.equal(len(p.answers()), n, "nobody is asked again at once")
    p.close()


def test_many(d):
    """More than can be looked at at a time: the ninth is sent away."""
    os.mkdir(d + "/many", 0o700)
    p = Pair(d + "/many")
    p.resolver.mangle = lambda s, tcp, q, r: None
    for i in range(9):
        p.name.send("seal_look", "seal", key=w.name("s%d._domainkey.example.jp" % i), record="")
    t.ok(p.until(p.answers), "one of nine is answered at once")
    t.ok(p.answers()[0]["code"] < 0 and w.text(p.answers()[0]["key"]).startswith("s8."), "… the last: too many", p.answers())
    t.equal(len(p.answers()), 1, "… and no other")
    p.close()


class Store:
    """Role store beside them: what it tells who is on duty, by webhook and by mail."""

    def __init__(self, folder, lang):
        os.makedirs(folder + "/snapshots")
        log = os.open(folder + "/objects.jsonl", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        self.hooked, self.mails = [], []
        self.role = role_kit.Role("store", {
            "state": folder, "keep": 4, "object_log": log, "object_log_per_hour": 100, "history_keep": 8640000, "expiry_warn": 60,
            "repository_age": 600, "data_age": 600, "alarm_repeat": 86400, "key_lead": 86400, "webhook": "https://hook.example/",
            "mail": 1, "mail_lang": lang, "org_name": "関所ネット"})
        os.close(log)
        self.role.handlers["webhook"] = self.on_hook
        self.role.handlers["mail"] = self.on_mail
        assert self.role.ready(), self.role.log

    def on_hook(self, m):
        self.hooked.append(json.loads(m["json"]))
        self.role.send("webhook_done", "fetch", id=m["id"], ok=1, what="")

    def on_mail(self, m):
        self.mails.append(m)
        self.role.send("mail_done", "mail", id=m["id"], ok=1, what="")


def test_told(d):
    """From what the servers give to a mail that somebody reads: the alarm's begin, and its end."""
    for lang, begins, ends in ((0, "begins", "is over"), (1, "開始", "終了")):
        folder = d + "/told%d" % lang
        os.mkdir(folder, 0o700)
        pem = folder + "/s.pem"
        subprocess.run(["openssl", "genpkey", "-out", pem, "-algorithm", "ed25519"], check=True, capture_output=True)
        os.chmod(pem, 0o600)
        der = subprocess.run(["openssl", "pkey", "-in", pem, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
        key = {"name": "s._domainkey.example.jp", "record": "v=DKIM1; k=ed25519; p=" + base64.b64encode(der[-32:]).decode()}
        store, p = Store(folder + "/store", lang), Pair(folder, "9\texample.jp\ts\t%s\n" % pem)

        def until(cond):
            def all_three():
                store.role.step(0.02)
                return cond()
            return p.until(all_three, 40)

        def hear():
            p.seal.handlers["seal_told"] = lambda m: store.role.send("seal_told", "seal", **m)
        hear()
        t.ok(until(lambda: store.hooked), "no server has the record of a key that signs: told", p.seal.log + store.role.log)
        said = store.hooked[0]
        t.equal((said["alarm"], said["key"]), ("begin", "ALARM_MAIL_KEY s._domainkey.example.jp"), "… as an alarm that begins")
        t.ok(until(lambda: store.mails), "… and mailed", store.role.log)
        m = store.mails[0]
        t.equal(m["subject"], "[Sekisho 関所ネット] ALARM_MAIL_KEY s._domainkey.example.jp", "its subject says what, and of whom")
        t.ok(begins in m["body"] and ("ns1.example.jp has" if lang == 0 else "ns1.example.jpの応答") in m["body"] and "sekisho mail key check" in m["body"] and "dig TXT" in m["body"],
             "its body: where, and what to do", m["body"])
        t.ok(lang == 0 or "該当レコードなし" in m["body"], "… in its language, also what the server has", m["body"])
        p.publish(key)
        p.begin()
        hear()
        t.ok(until(lambda: [x["alarm"] for x in store.hooked] == ["begin", "end"]), "the record is there again: over", store.hooked)
        t.ok(until(lambda: len(store.mails) == 2) and ends in store.mails[1]["body"], "… and mailed", [m["body"] for m in store.mails])
        store.role.close()
        p.close()


with tempfile.TemporaryDirectory(prefix="sekisho-keylook-") as d:
    for test in (test_roll, test_withdrawn, test_configured, test_many, test_told):
        t.case(test, d)
sys.exit(t.done())
