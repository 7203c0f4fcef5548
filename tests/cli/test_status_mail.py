#!/usr/bin/env python3
"""
sekisho status of mail, beside a played daemon: what the one line for monitoring
makes of what the roles say, and the words for people.
"""
import json
import os
import socket
import sys
import tempfile
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import house  # noqa: E402

MILTER = {"messages": 70, "accepted": 50, "rejected": 4, "quarantined": 3, "deferred": 2, "own": 11,
          "not_judged": 0, "crowded": 0, "not_signed": 0, "rows_lost": 0}
REPORT = {"sends": True, "segments": 0, "rows": 91, "made": 92, "sent": 93, "later": 94, "refused": 95, "due": 7,
          "unaddressed": 0, "health": [], "troubles": []}
STORE = {"vrps": 3, "age_seconds": 5, "disk_good": True}
ZONE = {"zones": 1, "served": 1, "good": 1, "list": []}
NUMBERS = ("messages=70c rejected=4c not_judged=0c rows_lost=0c", "reports_due=7 reports_sent=93c")


def ill(*what):
    """Of reports; one with a ! is bad."""
    return dict(REPORT, health=[{"what": w.rstrip("!"), "bad": w.endswith("!")} for w in what])


def trouble(r, of):
    return dict(r, troubles=[{"of": of, "what": "421 <busy>\x1b[31m", "since": 1795000000}])


MAIL = {"milter": MILTER, "report": REPORT}
ROUTES = dict(MAIL, validate={}, store=STORE, fetch={"good": 1, "failing": 0})
ZONES = dict(MAIL, zone=ZONE)
# what the roles say (None: no answer), a role that is down, status, why
ROWS = [
    (MAIL, None, 0, ""),
    ({"milter": MILTER}, None, 0, ""),
    (dict(MAIL, milter=None), None, 2, "the mail filter does not answer"),
    (dict(MAIL, milter=dict(MILTER, answered=False)), None, 2, "the mail filter does not answer"),
    (dict(MAIL, report=None), None, 1, "the role of reports does not answer"),
    (dict(MAIL, report=dict(REPORT, answered=False)), None, 1, "the role of reports does not answer"),
    (dict(MAIL, report=dict(REPORT, answered=False)), "report", 1, "a role is down"),
    (MAIL, "milter", 1, "a role is down"),
    (dict(MAIL, report=ill("queue")), None, 1, "none was sent since yesterday"),
    (dict(MAIL, report=ill("queue!")), None, 2, "none was sent since yesterday"),
    (dict(MAIL, report=ill("journal", "queue!", "rows")), None, 2, "none was sent since yesterday"),
    (dict(MAIL, report=ill("journal!", "queue!")), None, 2, "are not taken into the store"),
    (dict(MAIL, report=ill("journal", "queue")), None, 1, "are not taken into the store"),
    (dict(MAIL, report=ill("of a later version!")), None, 0, ""),
    (dict(MAIL, report=trouble(REPORT, "via")), None, 1, "mail.reporting.via"),
    (dict(MAIL, report=trouble(ill("rows!"), "via")), None, 2, "rows of past days"),
    (dict(MAIL, report=trouble(ill("rows"), "via")), None, 1, "rows of past days"),
    (dict(MAIL, report=ill("rows!")), "report", 2, "rows of past days"),
    (dict(MAIL, report=ill("rows")), "report", 1, "a role is down"),
    (ROUTES, None, 0, ""),
    (dict(ROUTES, report=ill("rows!")), None, 2, "rows of past days"),
    (dict(ROUTES, report=ill("rows"), store=dict(STORE, age_seconds=99999)), None, 2, "the data is old"),
    (ZONES, None, 0, ""),
    (dict(ZONES, report=ill("rows")), None, 1, "rows of past days"),
    (dict(ZONES, report=ill("rows"), zone=dict(ZONE, served=0)), None, 2, "a zone is not served"),
]
FAULTS = [("not_judged", "not judged"), ("crowded", "too many at a time"), ("not_signed", "not signed"),
          ("rows_lost", "rows lost")]
WORDS = ("OK", "WARNING", "CRITICAL")


class Daemon:
    """Says the same to who asks."""

    def __init__(self, folder):
        self.text = b""
        self.s = socket.socket(socket.AF_UNIX)
        self.s.bind(folder + "/control")
        self.s.listen(4)
        threading.Thread(target=self.answer, daemon=True).start()

    def answer(self):
        while True:
            c = self.s.accept()[0]
            with c:
                c.recv(100)
                c.sendall(self.text)

    def say(self, roles, down=None):
        names = [{"name": r, "ready": r != down, "pid": 1, "since": "x", "restarts": 0} for r in roles]
        lines = [{"version": "x", "pid": 1, "since": "x", "reloads": 0, "sandbox": True, "roles": names, "listen": []}]
        # One that does not answer now may have answered before: that is there still.
        lines += [{"role": r, "answered": (said or {}).get("answered", said is not None), "status": said}
                  for r, said in roles.items()]
        self.text = b"".join(json.dumps(x).encode() + b"\n" for x in lines)


def main():
    t = house.Tap()
    with tempfile.TemporaryDirectory(prefix="sekisho-status-") as folder:
        d = Daemon(folder)
        for roles, down, state, why in ROWS:
            d.say(roles, down)
            code, out, _ = house.run("status", "--nagios", "--state", folder)
            said = (out.split(" | ")[0].split(", ", 2) + [""])[2]
            t.ok(code == state and out.startswith("SEKISHO %s - " % WORDS[state]) and
                 (why in said if why else said == ""), "--nagios: %s %s" % (WORDS[state], why), out)
        d.say(MAIL)
        out = house.run("status", "--nagios", "--state", folder)[1]
        t.ok(out.startswith("SEKISHO OK - 70 messages, 4 refused | ") and all(n in out for n in NUMBERS), "its numbers", out)
        d.say({"milter": MILTER})
        out = house.run("status", "--nagios", "--state", folder)[1]
        t.ok("rows_lost=0c" in out and "reports_" not in out, "none of reports where nobody makes any", out)
        d.say(MAIL)
        code, out, _ = house.run("status", "--state", folder)
        t.ok(code == 0 and "mail: 50 let in, 4 refused, 3 held, 2 asked for again; of our own: 11\n" in out and
             "not judged" not in out, "words for people", out)
        t.ok("reports: 91 rows taken in, 92 reports made, 93 mails sent, 94 put off, 95 refused; to be sent: 7\n" in out,
             "… of reports", out)
        for key, said in FAULTS:
            d.say(dict(MAIL, milter=dict(MILTER, **{key: 6})))
            out = house.run("status", "--state", folder)[1]
            t.ok(said + ": 6" in out, said, out)
        d.say(dict(MAIL, report=dict(trouble(REPORT, "via"), segments=1, unaddressed=2)))
        out = house.run("status", "--state", folder)[1]
        t.ok("wait to be taken in: 1\n" in out and "not known yet where they go: 2\n" in out, "what waits", out)
        t.ok("does not work since 2026-11-18T" in out and "421 <busy>" in out and "\x1b" not in out,
             "what does not work, as text", out)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
