#!/usr/bin/env python3
"""Alarms reach the operator by mail: a fake sendmail, one that fails, one that hangs; msmtp."""
import email
import email.policy
import os
import shutil
import socketserver
import sys
import tempfile
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import house  # noqa: E402

# Its folder is all that it may write to; argv, environment and input are what it tells.
FAKE = """#!/bin/sh
n=0
while [ -e $n.mail ]; do n=$((n + 1)); done
{ for a in "$@"; do echo "arg $a"; done; echo "pwd $PWD"; export -p; echo; while IFS= read -r l; do echo "$l"; done; } > $n.tmp
if echo x > %(folder)s/stolen; then echo escaped > $n.escaped; fi
if echo x > %(outside)s/secret; then echo escaped > $n.escaped; fi
if read x < %(outside)s/secret; then echo escaped > $n.escaped; fi
%(end)s
"""
GOOD = "exec 3<&- ; { while IFS= read -r l; do echo \"$l\"; done; } < $n.tmp > $n.mail; : > $n.whole"
# tmpfile(3) needs /tmp, so it is not outside; that no name is made there is asked, too.
OUTSIDE = tempfile.mkdtemp(prefix="sekisho-mail-", dir="/var/tmp")
ORG = "関所ネット株式会社"


def fake(folder, end):
    """In place of the one before, as a whole: it may be about to run."""
    path = os.path.join(folder, "sendmail")
    with open(path + ".new", "w") as f:
        f.write(FAKE % {"folder": folder, "outside": OUTSIDE, "end": end})
    os.chmod(path + ".new", 0o755)
    with open(path + ".new") as new, open(path, "w") as f:
        f.write(new.read())
    os.chmod(path, 0o755)
    return path


def mails(h):
    """(arguments, environment and folder, message) of each, in order."""
    out = []
    box = os.path.join(h.state, "mail")
    for n in range(100):
        if not os.path.exists(os.path.join(box, "%d.whole" % n)):
            break
        try:
            with open(os.path.join(box, "%d.mail" % n)) as f:
                head, text = f.read().split("\n\n", 1)
        except OSError:
            break
        lines = head.split("\n")
        out.append(([x[4:] for x in lines if x.startswith("arg ")],
                    [x for x in lines if not x.startswith("arg ")],
                    email.message_from_string(text, policy=email.policy.default), text))
    return out


def started(folder, program, more="", lang="en"):
    h = house.House(folder, "alarm:\n  after: 0\n  mail:\n    to: [noc@example.net, boss@example.net]\n"
                    "    from: sekisho@rpki.example\n    sendmail: %s\n    gap: 0\n    timeout: 3s\n    lang: %s\n%s"
                    "organisation:\n  name: %s\n  asns: [64496]\n" % (program, lang, more, ORG),
                    inputs="rrdp: world.xml")	# replaced as a whole: a change is one publication
    h.interval = "5s"
    h.write_conf()
    h.start()
    return h


def role(h):
    """What role mail says of itself."""
    return h.status()["details"]["mail"]["status"]


def world(*names):
    """The lab's world without these ROAs."""
    return "\n".join(x for x in house.WORLD.split("\n") if not x.endswith(tuple("name " + n for n in names)))


def sends(t, folder):
    house.lab(folder, rrdp=True)
    h = started(folder, fake(folder, GOOD), lang="ja")
    t.ok(house.wait_for(lambda: h.vrps(), 30), "the daemon works", h.log()[-2000:])
    # By the first minute the history has a baseline; what comes later is a change.
    house.lab(folder, world=world("edo-v6"), rrdp=True)
    t.ok(house.wait_for(lambda: mails(h), 90), "a change of ours is mailed", h.log()[-3000:])
    args, rest, m, text = mails(h)[0]
    t.equal(args, ["-i", "-f", "sekisho@rpki.example", "--", "noc@example.net", "boss@example.net"],
            "argv: strict, closed by --")
    t.ok(not any("=" in x and not x.startswith(("export PWD", "export OLDPWD", "pwd")) for x in rest),
         "an empty environment", rest)
    t.equal((m["From"], m["To"]), ("Sekisho <sekisho@rpki.example>", "noc@example.net, boss@example.net"),
            "From and To are the configuration's")
    t.equal(m["Auto-Submitted"], "auto-generated", "RFC 3834: auto-generated")
    t.ok(m["Message-ID"].endswith("@rpki.example>") and m["Date"].datetime.tzinfo is not None,
         "Message-ID and Date", (m["Message-ID"], m["Date"]))
    t.ok(ORG in m["Subject"] and "ALARM_CHANGED" in m["Subject"], "the subject is decoded whole", m["Subject"])
    t.ok(text.isascii() and max(len(x) for x in text.split("\n")) <= 100, "RFC 2047: no byte of it is raw")
    body = m.get_content()
    t.ok("2001:db8::/36" in body and "sekisho rpki log" in body, "the body names the payload and the command", body)
    t.ok("対処：" in body and "現在の状態" in body, "in Japanese", body)
    t.equal([x for x in os.listdir(os.path.join(h.state, "mail")) if x.endswith("escaped")], [],
            "the program reached no file outside its folder")
    t.ok(not os.path.exists(os.path.join(folder, "stolen")), "… and made none")
    n = len(mails(h))
    fake(folder, "echo no > failed; exit 75")
    house.lab(folder, world=world("edo-v4", "edo-v6").replace(
        "\t\taspa", "\t\troa AS64496 198.51.100.0/24 name new\n\t\taspa"), rrdp=True)
    t.ok(house.wait_for(lambda: os.path.exists(os.path.join(h.state, "mail", "failed")), 90), "the next one fails",
         h.log()[-2000:])
    t.ok(house.wait_for(lambda: "alarm.mail: sendmail ended with status 75" in h.log(), 10),
         "which the log says", h.log()[-2000:])
    t.equal(len(mails(h)), n, "and nothing is taken for sent")
    fake(folder, "echo no > hangs; while :; do :; done")
    t.ok(house.wait_for(lambda: os.path.exists(os.path.join(h.state, "mail", "hangs")), 30),
         "it is tried again, and hangs", h.log()[-2000:])
    t.ok(house.wait_for(lambda: role(h)["failed"] >= 2 and not role(h)["running"], 20),
         "which ends with its time", h.status())
    t.equal([role(h)["sent"], h.log().count("trying again")], [n, 1], "the log says it once")
    # Over a restart of the whole daemon it waits.
    t.equal(h.stop()[0], 0, "it ends well")
    fake(folder, GOOD)
    shutil.rmtree(os.path.join(h.state, "mail"))
    h.start()
    t.ok(house.wait_for(lambda: mails(h), 30), "after a restart it is sent", h.log()[-2000:])
    body = mails(h)[0][2].get_content()
    t.ok("AS64496 192.0.2.0/24-24" in body and "AS64496 198.51.100.0/24-24" in body, "all of what waited is in it", body)
    t.equal(len(mails(h)), 1, "several changes are one mail, each once")
    t.equal(h.stop()[0], 0, "it ends well again")


class Smtp(socketserver.StreamRequestHandler):
    """As much of a mail server as a client needs; all mails in server.got."""

    def handle(self):
        self.wfile.write(b"220 here\r\n")
        while True:
            line = self.rfile.readline().decode()
            if not line or line.upper().startswith("QUIT"):
                self.wfile.write(b"221 bye\r\n")
                return
            if line.upper().startswith("DATA"):
                self.wfile.write(b"354 go\r\n")
                data = b""
                while not data.endswith(b"\r\n.\r\n"):
                    data += self.rfile.readline()
                self.server.got.append(data)
            self.wfile.write(b"250 ok\r\n")


def msmtp(t, folder):
    """
    A real client of SMTP works in the sandbox: run as a script's interpreter,
    so that it gets its server without /etc/msmtprc.
    """
    program = "/usr/bin/msmtp"
    if not os.path.exists(program):
        t.ok(True, "msmtp in the box # SKIP there is no msmtp")
        return
    s = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Smtp)
    s.daemon_threads, s.got = True, []
    threading.Thread(target=s.serve_forever, daemon=True).start()
    path = os.path.join(folder, "sendmail")
    with open(path, "w") as f:
        f.write("#!%s -C\naccount default\nhost 127.0.0.1\nport %d\n" % (program, s.server_address[1]))
    os.chmod(path, 0o700)
    house.lab(folder, rrdp=True)
    h = started(folder, path)
    t.ok(house.wait_for(lambda: h.vrps(), 30), "the daemon works", h.log()[-2000:])
    house.lab(folder, world=world("edo-v6"), rrdp=True)
    t.ok(house.wait_for(lambda: s.got, 90), "msmtp sends from within its sandbox", h.log()[-3000:])
    m = email.message_from_bytes(s.got[0], policy=email.policy.default) if s.got else {}
    t.ok(m.get("Auto-Submitted") == "auto-generated" and ORG in m.get("Subject", ""), "the mail is whole", str(m)[:600])
    t.equal(h.stop()[0], 0, "it ends well")
    s.shutdown()


def refused(t, folder):
    base = "state: state\nalarm:\n  mail:\n    %s\n"
    for text, why in (("to: [noc@example.net]", "alarm.mail.from"),
                      ("from: a@b\n    to: [\"noc@example.net, x@y\"]", "alarm.mail.to"),
                      ("from: a@b\n    to: [\"-oQ/tmp@example.net\"]", "oQ"),
                      ("to: [a@b]\n    from: \"a@b\\nBcc: c@d\"", "address"),
                      ("from: a@b\n    to: [%s]" % ", ".join("a%d@b" % i for i in range(33)), "32")):
        path = os.path.join(folder, "bad.conf")
        with open(path, "w") as f:
            f.write(base % text)
        code, out, err = house.run("conf", "check", "-c", path)
        t.ok(code == 1 and ("mail" in out + err or why in out + err), "refused: %s" % text.replace("\n", " ")[:60], out + err)


def main():
    t = house.Tap()
    with open(os.path.join(OUTSIDE, "secret"), "w") as f:
        f.write("secret\n")
    try:
        for f in (refused, sends, msmtp):
            with tempfile.TemporaryDirectory(prefix="sekisho-mail-") as folder:
                t.case(f, t, folder)
    finally:
        house.stop_all()
        shutil.rmtree(OUTSIDE)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
