#!/usr/bin/env python3
"""What zone and key tell by frames: alarms of the store (each once, again while
somebody has to act, its end), and what web makes of it, also of nonsense."""
import copy
import json
import os
import re
import socket
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "browser"))
import house  # noqa: E402
import openmetrics  # noqa: E402
import role_kit  # noqa: E402
from patience import patient  # noqa: E402

DAY = 86400
EVERYWHERE = ["omnipresent", 1]


def worlds(now):
    """(what zone tells, what key tells), bad and good."""
    key = {"number": 1, "role": "KSK", "alg": 13, "tag": 7, "name": "Kexample.jp.+013+00007", "goal": "omnipresent",
           "dnskey": EVERYWHERE, "keysig": EVERYWHERE, "ds": EVERYWHERE, "private": "file", "backed_up": True,
           "retires": now + 5 * DAY, "flags": []}
    zones = {"served": 1, "good": 0, "signatures": 3, "list": [
        {"zone": "example.jp.", "served": True, "good": False, "why": "the zone file has errors",
         "why_since": now - 60, "horizon": now + DAY, "refresh": 5 * DAY, "serial": 1}]}
    keys = {"zones": [{"zone": "example.jp.", "state": "ready", "ds_done": False, "ds_since": now - 60, "keys": [key],
                       "todo": [{"act": "tell", "since": now - 60, "text": "enter the DS set at the registrar",
                                 "ds": ["example.jp. IN DS 7 13 2 AB"]},
                                {"act": "backup", "key": 1, "text": "back the key up, and say so"}]}]}
    good = copy.deepcopy((zones, keys))
    good[0]["list"][0].update(good=True, why="", horizon=now + 30 * DAY)
    good[1]["zones"][0].update(ds_done=True, todo=[])
    good[1]["zones"][0]["keys"][0]["retires"] = None
    return (zones, keys), good


def tell(role, told):
    for name, frm, doc in zip(("zone_told", "key_told"), ("zone", "key"), told):
        fd = role_kit.memfd(doc if isinstance(doc, bytes) else json.dumps(doc).encode())
        role.send(name, frm, json=fd)
        os.close(fd)


# --- the store: alarms ---

class Store:
    """One life of the store, with the webhook's answers."""

    def __init__(self, folder, offset):
        log = os.open(os.path.join(folder, "objects.jsonl"), os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        zones = "example.jp.\t/nowhere/example.jp\t\t\n"
        self.got = []
        self.role = role_kit.Role("store", {
            "state": folder, "keep": 4, "object_log": log, "object_log_per_hour": 100, "history_keep": 100 * DAY,
            "expiry_warn": 60, "repository_age": 600, "data_age": 600, "alarm_after": 0, "alarm_repeat": DAY,
            "key_lead": 14 * DAY, "webhook": "https://hook.example/"}, offset=offset,
            before=[("store_zones", {"state": folder, "zones": zones})])
        self.role.handlers["webhook"] = self.hooked
        os.close(log)

    def hooked(self, m):
        self.got.append(json.loads(m["json"]))
        self.role.send("webhook_done", "fetch", id=m["id"], ok=1, what="")

    def events(self, n):
        """The n events that come, and a moment for what should not."""
        self.role.until(lambda: len(self.got) >= n, 20)
        self.role.idle(0.5)
        return {(g["alarm"], g["code"]) for g in self.got}, len(self.got)


def alarms(t, folder):
    now = int(time.time())
    bad, good = worlds(now)
    codes = {"ALARM_ZONE_REFUSED", "ALARM_ZONE_EXPIRES", "ALARM_DS_HANDOVER", "ALARM_KEY_BACKUP", "ALARM_KEY_DUE"}
    again = {"ALARM_ZONE_EXPIRES", "ALARM_DS_HANDOVER", "ALARM_KEY_BACKUP"}
    os.makedirs(os.path.join(folder, "snapshots"))

    def life(what, told, offset, want):
        s = Store(folder, offset)
        t.ok(s.role.ready(), what + ": the store is there", s.role.log)
        tell(s.role, told)
        t.equal(s.events(len(want)), (want, len(want)), what, "\n".join(s.role.log))
        t.equal(s.role.close(), 0, "it ends well")
        return s

    s = life("each alarm is told", bad, 0, {("begin", c) for c in codes})
    hand = [g for g in s.got if g["code"] == "ALARM_DS_HANDOVER"][0]
    t.ok("DS 7 13 2 AB" in hand["finding"]["text"] and hand["key"] == "ALARM_DS_HANDOVER example.jp.",
         "with what is to be entered", hand)
    life("after a restart nothing is told twice", bad, 60, set())
    later = worlds(now + DAY + 120)[0]
    later[0]["list"][0]["horizon"] = now + 2 * DAY
    life("a day later what waits for somebody is told again", later, DAY + 120, {("still", c) for c in again})
    life("what is over is told; a note has no end", good, DAY + 240, {("end", c) for c in codes - {"ALARM_KEY_DUE"}})
    s = Store(folder, DAY + 260)
    s.role.ready()
    down = {"list": [{"zone": "new.example.", "served": False, "good": False, "why": "no keys"}]}
    tell(s.role, (down,))
    t.equal(s.events(0)[1], 0, "half of the story is no alarm")
    tell(s.role, (down, {"zones": [{"zone": "new.example.", "state": "waits", "ds_done": True,
                                    "todo": [{"act": "backup", "key": 1}]}]}))
    t.equal(s.events(1)[0], {("begin", "ALARM_KEY_BACKUP")}, "all of it is one", "\n".join(s.role.log))
    s.role.close()
    s = Store(folder, DAY + 300)
    s.role.ready()
    tell(s.role, (b"[1]", b"\x00rubbish"))
    t.ok(s.role.until(lambda: len([x for x in s.role.log if "ignoring" in x]) == 2, 10), "nonsense is ignored", s.role.log)
    tell(s.role, ({"list": [7, {"zone": 3}]}, {"zones": [{"zone": "x", "keys": 7, "todo": [{"ds": {}}]}]}))
    t.ok(s.role.until(lambda: s.role.status()["alarms"] == 0, 20) and s.role.close() == 0, "as is what has an odd shape")


# --- web ---

def listening():
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(8)
    return s, s.getsockname()[1]


def fetch(role, port, path):
    """(status, text), while the role is served."""
    import threading
    got = []

    def ask():
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d%s" % (port, path), timeout=patient(10)) as r:
                got.append((r.status, r.read().decode()))
        except urllib.error.HTTPError as e:
            got.append((e.code, e.read().decode()))

    th = threading.Thread(target=ask)
    th.start()
    role.until(lambda: got, 20)
    th.join(patient(10))
    return got[0] if got else (0, "")


def page(t, folder):
    del folder
    s, port = listening()
    role = role_kit.Role("web", {"token": "", "org_name": "", "org_asns": "", "org_prefixes": ""}, before=[
        ("listen", {"sock": s.fileno(), "address": "127.0.0.1:%d" % port})])
    s.close()
    t.ok(role.ready(), "web is there", role.log)
    now = int(time.time())
    status = json.loads(fetch(role, port, "/api/v1/status")[1])
    t.ok(status["zones"] is None and not status["names_only"], "without zones none are spoken of", status)
    tell(role, worlds(now)[0])
    role.send("house", json='{"roles":[{"name":"zone","ready":true},{"name":"key","ready":true}]}')
    zones = json.loads(fetch(role, port, "/api/v1/zones")[1])
    t.equal([(z["zone"], z["state"]) for z in zones["zones"]], [("example.jp.", "kept")], "the list")
    one = json.loads(fetch(role, port, "/api/v1/zone?name=example.jp.")[1])
    t.equal([x["ds"] for x in one["todo"]], [["example.jp. IN DS 7 13 2 AB"], []], "what is to be entered")
    code, text = fetch(role, port, "/zones.ics")
    uids = re.findall(r"^UID:(.*)\r$", text, re.M)
    t.ok(code == 200 and len(uids) == len(set(uids)) == 4, "the calendar", text)
    before, after = worlds(now)[0], worlds(now + DAY)[0]
    after[1]["zones"][0]["keys"].insert(0, {"number": 9, "role": "ZSK", "name": "Kexample.jp.+013+00001"})
    tell(role, (before[0], after[1]))
    t.equal(set(re.findall(r"^UID:(.*)\r$", fetch(role, port, "/zones.ics")[1], re.M)), set(uids),
            "its events keep their names when times move and a key comes before others")
    samples = openmetrics.parse(fetch(role, port, "/metrics")[1])
    t.equal(samples[("sekisho_zone_todo", (("zone", "example.jp."),))], 2, "the metrics")
    status = json.loads(fetch(role, port, "/api/v1/status")[1])
    t.ok(status["names_only"] and status["health"] == "ok", "nobody misses routes that nobody wants", status)
    evil = "\"}\n# EOF\n</script>\u202e"
    for told in ((b"", b"7"), (b"[]", b"{"), ({"list": "x", "served": {}}, {"zones": [None, 7, {"zone": []}]}),
                 ({"list": [{"zone": evil, "why": evil, "serial": -1}]},
                  {"zones": [{"zone": evil, "next": 1 << 62, "next_why": evil, "todo": [{"act": evil, "ds": [evil]}],
                              "keys": [{"name": evil, "role": evil, "dnskey": evil, "retires": now}] * 99}] * 2000})):
        tell(role, told)
        for path in ("/metrics", "/zones.ics", "/api/v1/zones", "/api/v1/status", "/"):
            t.equal(fetch(role, port, path)[0], 200, "%s of nonsense" % path)
    openmetrics.parse(fetch(role, port, "/metrics")[1])
    text = fetch(role, port, "/zones.ics")[1]
    t.ok(text.count("\r\nEND:VCALENDAR\r\n") == 1 and "\n# EOF" not in text.replace("\r\n", ""), "nothing gets out of its line")
    t.equal(role.close(), 0, "it ends well")


# --- all of it: a service that signs a zone, and nothing else ---

CONF = """state: state
log:
  op: op.log
alarm:
  after: 0
dns:
  look-interval: 0
  zones:
    - {name: example.jp, file: example.jp, output: example.jp.signed}
web:
  listen: 127.0.0.1:%d
"""
ZONE = "$TTL 3600\n@ IN SOA ns1 hostmaster 1 3600 900 604800 300\n@ NS ns1\nns1 A 192.0.2.1\n"


def whole(t, folder):
    source = os.path.join(folder, "example.jp")
    with open(source, "w") as f:
        f.write(ZONE)
    h = house.House(folder)
    with open(h.conf, "w") as f:
        f.write(CONF % h.ports[1])

    def ask(path):
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d%s" % (h.ports[1], path), timeout=patient(5)) as r:
                return r.read().decode()
        except OSError:
            return ""

    def state():
        text = ask("/api/v1/zone?name=example.jp.")
        return json.loads(text)["state"] if text else ""

    h.start()
    t.ok(house.wait_for(lambda: state() == "act", 30), "a key waits for its backup", h.log()[-2000:])
    status = json.loads(ask("/api/v1/status"))
    t.ok(status["names_only"] and status["health"] == "ok" and status["zones"]["counts"]["act"] == 1,
         "nobody speaks of routes", status)
    t.ok("UID:backup-" in ask("/zones.ics"), "it is in the calendar")
    t.ok(house.wait_for(lambda: "ALARM_KEY_BACKUP" in h.log(), 30), "it is an alarm", h.log()[-2000:])
    code, _, err = house.run("zone", "keys", "example.jp", "--backed-up", "-c", h.conf)
    t.ok(code == 0 and house.wait_for(lambda: state() == "good", 30), "it was backed up: the zone is served", err + h.log()[-2000:])
    keys = json.loads(ask("/api/v1/zone?name=example.jp."))["keys"]
    t.ok([k["role"] for k in keys] == ["CSK"] and keys[0]["backed_up"] and keys[0]["name"].startswith("Kexample.jp.+013+"),
         "the key is told", keys)
    samples = openmetrics.parse(ask("/metrics"))
    zone = (("zone", "example.jp."),)
    t.ok(samples[("sekisho_zone_keys_to_back_up", zone)] == 0 and
         samples[("sekisho_zone_first_expiry_timestamp_seconds", zone)] > time.time() + 5 * DAY, "and the metrics")
    with open(source + ".new", "w") as f:
        f.write(ZONE + "bad A 192.0.2.999\n")
    os.replace(source + ".new", source)
    t.ok(house.wait_for(lambda: state() == "kept", 30), "an error in the zone: the version before is served")
    one = json.loads(ask("/api/v1/zone?name=example.jp.&lang=ja"))
    t.ok("誤り" in one["why"] and one["why_since"] > 0, "in the reader's language", one["why"])
    t.equal(h.stop()[0], 0, "it ends well")


def main():
    t = house.Tap()
    for f in (alarms, page, whole):
        with tempfile.TemporaryDirectory(prefix="sekisho-told-") as folder:
            t.case(f, t, folder)
            house.stop_all()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
