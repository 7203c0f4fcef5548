#!/usr/bin/env python3
"""
sekisho serve with reports: rows of yesterday in the journal, a report in a mail server, and what
sekisho status and sekisho conf say of it.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import house  # noqa: E402
from house import Tap, wait_for  # noqa: E402
from mail_dns_server import TXT, Server, txt  # noqa: E402
from smtp_sink import Sink  # noqa: E402

DAY = 86400
CONF = """state: state
web:
  listen: 127.0.0.1:%(port)d
log:
  op: op.log
alarm:
  after: 0s
organisation:
  name: Us
mail:
  milter:
    listen: unix:%(folder)s/milter
  resolver: %(resolver)s
  reports: aggregate
  reporting:
    email: dmarc@us.example
    via: %(via)s
    contact: https://us.example/dmarc
    timeout: 5s
"""
REFUSED = [	# in place of a line of the configuration; what is said; what is not
    ("email: dmarc@us.example", "", "mail.reporting.email", None),
    ("email: dmarc@us.example", "email: nobody", "dmarc@example.net", None),
    ("timeout: 5s", "store: postgresql://me:secret@db/x", "passfile", "secret"),
    ("timeout: 5s", "store: postgresql://db/x?password=secret", "passfile", "secret"),
    ("timeout: 5s", "store: postgresql://db/x?passfile=here", "absolute", None),
    ("timeout: 5s", "store: /a/path", "postgresql://", None),
    ("via: ", "via: ftp:", "sendmail:/PATH", None),
    ("timeout: 5s", "keep-rows: 1d", "out of range", None),
]


class Serve:
    def __init__(self, folder, **values):
        self.folder, self.conf, self.state = folder, folder + "/sekisho.conf", folder + "/state"
        self.port = house.free_port()
        self.text = CONF % dict(values, folder=folder, port=self.port)
        os.makedirs(self.state + "/mail-rows")
        os.chmod(self.state, 0o700)
        self.write(self.text)

    def write(self, text):
        with open(self.conf, "w") as f:
            f.write(text)

    def rows(self, number, at, n):
        lines = "".join("mx1\tQ%d-%d\t%d\ta.example\tmailto:d@a.example\t192.0.2.1\tnone\n" % (number, i, at + i) for i in range(n))
        got = subprocess.run([house.BUILD + "/tests/mail/rows-write", str(number)], input=lines.encode(), check=True,
                             capture_output=True)
        path = "%s/mail-rows/%020d" % (self.state, number)
        with open(path + ".new", "wb") as f:
            f.write(got.stdout)
        os.rename(path + ".new", path + ".rows")

    def start(self, at):
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
        self.p = subprocess.Popen([house.SEKISHO, "serve", "-c", self.conf, "--at", when])

    def run(self, *words):
        return house.run(*words, "-c", self.conf)

    def nagios(self, want, *words):
        """The line for monitoring comes to that; .said is the last."""
        def is_so():
            self.said = self.run("status", "--nagios")
            return self.said[0] == want and all(w in self.said[1] for w in words)
        return wait_for(is_so, 20)

    def pid(self, role):
        return [r["pid"] for r in house.json.loads(self.run("status", "--json")[1])["house"]["roles"] if r["name"] == role][0]

    def page(self):
        with urllib.request.urlopen("http://127.0.0.1:%d/api/v1/mail" % self.port, timeout=house.patient(10)) as r:
            return house.json.load(r)

    def log(self):
        with open(self.folder + "/op.log") as f:
            return f.read()

    def stop(self):
        self.p.send_signal(signal.SIGTERM)
        return self.p.wait(house.patient(10))


def main():
    t, folder = Tap(), tempfile.mkdtemp(prefix="sekisho-report-")
    dns = Server({("_dmarc.a.example", TXT): [txt("v=DMARC1; p=reject; rua=mailto:d@a.example")]})
    sink = Sink()
    s = Serve(folder, resolver=dns.address, via=sink.via)
    t.equal(s.run("conf", "check")[0], 0, "the configuration is good")
    for old, new, said, unsaid in REFUSED:
        s.write(s.text.replace(old, new))
        code, out, err = s.run("conf", "check")
        t.ok(code == 1 and said in err and (unsaid is None or unsaid not in out + err), "refused: " + (new or "no " + old), err)
    s.write(s.text)
    today = int(time.time()) // DAY * DAY
    s.rows(1, today, 5)
    s.start(today + DAY + 23 * 3600)
    t.ok(wait_for(lambda: sink.mails, 20), "a report of yesterday goes out")
    t.equal([(m.domain, m.count, m.to, m.sender, m.author) for m in sink.mails],
            [("a.example", 5, "d@a.example", "", "dmarc@us.example")], "with all rows; nobody is told of bounces")
    t.ok(b"<extra_contact_info>https://us.example/dmarc<" in sink.mails[0].xml and b"<org_name>Us<" in sink.mails[0].xml,
         "from who the configuration says", sink.mails[0].xml)
    t.ok(wait_for(lambda: "reports: 5 rows taken in, 1 reports made, 1 mails sent, 0 put off, 0 refused; to be sent: 0"
                  in s.run("status")[1], 20), "status says it", s.run("status")[1])
    t.ok("レポート: 記録の取り込み 5、作成 1、送信 1" in s.run("status", "--lang", "ja")[1], "in Japanese, too")
    t.ok(s.nagios(0, "SEKISHO OK - 0 messages, 0 refused | ", "reports_sent=1c"), "--nagios: well", s.said)
    pid = s.pid("milter")
    os.kill(pid, signal.SIGSTOP)
    t.ok(s.nagios(2, "the mail filter does not answer | "), "a filter that hangs is not well because it once was", s.said)
    os.kill(pid, signal.SIGCONT)
    t.ok(s.nagios(0, "SEKISHO OK - "), "… until it goes on", s.said)
    t.ok(wait_for(lambda: ((s.page()["reports"] or {}).get("totals") or {}).get("sent") == 1, 30), "the page has it", s.page())
    j = s.page()
    t.equal((j["kept"], j["trouble"], j["reports"]["totals"]["rows"], len(j["reports"]["days"]), j["reports"]["next"]),
            (True, [], 5, 1, []), "… and the results of a day")
    os.kill(s.pid("report"), signal.SIGKILL)
    s.rows(2, today, 2)
    t.ok(wait_for(lambda: "reports: 2 rows" in s.run("status")[1], 20), "after kill -9 it goes on", s.run("status")[1])
    t.equal((len(sink.mails), os.listdir(s.state + "/mail-rows")), (1, []), "nothing is sent again, and no row waits")
    sink.say = lambda stage, to: "421 busy"
    t.equal(s.stop(), 0, "it ends well")
    s.rows(3, today + DAY, 1)
    s.start(today + 2 * DAY + 23 * 3600)
    t.ok(wait_for(lambda: "does not work since 2" in s.run("status")[1], 20), "what does not work is said", s.run("status")[1])
    out = s.run("status")[1]
    t.ok("to be sent: 2" in out and "421 busy" in out, "… what waits, and why", out)
    t.ok(s.nagios(1, "as nobody takes them (mail.reporting.via) | ", "reports_due=2"), "--nagios: not", s.said)
    t.ok(wait_for(lambda: "421 busy" in str(s.page()["trouble"]), 30), "… and the page", s.page())
    t.equal(s.stop(), 0, "it ends well")
    s.start(today + 4 * DAY + 3600)
    t.ok(wait_for(lambda: "ALARM_MAIL_REPORTS: queue:" in s.log(), 30), "a queue that stands still for a day is an alarm", s.log())
    t.ok(s.nagios(1, "none was sent since yesterday | "), "--nagios: the same", s.said)
    t.ok(wait_for(lambda: [x["what"] for x in s.page()["trouble"]][:1] == ["queue"], 30), "… and the page", s.page())
    t.equal(s.stop(), 0, "it ends well")
    shutil.rmtree(folder)
    sys.exit(t.done())


main()
