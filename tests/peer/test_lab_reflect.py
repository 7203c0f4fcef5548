#!/usr/bin/env python3
"""
The reflector of `sekisho lab reflect` as its man page sets it up: a pipe(8) of a real Postfix, which
answers test mails with their explanation, in two languages, and nobody whom it must not answer.
"""
import email
import email.policy
import json
import os
import stat
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "cli"))
sys.path.insert(0, os.path.join(HERE, "..", "lab"))
import house  # noqa: E402
import postfix  # noqa: E402
from patience import patient, stays, wait_for  # noqa: E402
from tap import Tap  # noqa: E402

MAN = os.path.join(house.SRC, "man", "sekisho-lab-mail.1")
MORE = """virtual_mailbox_domains = local.test strict.example attack.example list.example
transport_maps = inline:{{reflector@local.test = reflector:} {reflector-ja@local.test = reflector:}}
"""
# What the script's sendmail does, to this Postfix alone.
SENDMAIL = """#!/usr/bin/python3
import smtplib, sys
assert sys.argv[1:5] == ["-i", "-f", "", "--"], sys.argv
s = smtplib.SMTP("127.0.0.1", %(port)d, timeout=60)
s.sendmail("", sys.argv[5:], sys.stdin.buffer.read(), ["BODY=8BITMIME"])
s.quit()
"""


def script():
    """The one of the man page."""
    with open(MAN, encoding="utf-8") as f:
        text = f.read()
    lines = text[text.index("#!/bin/sh\n# reflector"):].split("\n.Ed")[0]
    return lines.replace("\\e", "\\")


def program(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, stat.S_IRWXU | 0o055)
    return path


class Post(postfix.Postfix):
    def __init__(self, folder, world):
        super().__init__(folder, "", more=MORE)
        bin = os.path.join(folder, "bin")
        os.mkdir(bin)
        program(bin + "/sendmail", SENDMAIL % {"port": self.port})
        program(bin + "/sekisho", "#!/bin/sh\nshift 2\nexec %s lab reflect --psl none --dns %s/world.zone \"$@\"\n" % (house.SEKISHO, world))
        program(bin + "/reflect", script().replace("answer=", "PATH=%s:$PATH\nanswer=" % bin, 1))
        with open(os.path.join(self.conf, "master.cf"), "a", encoding="utf-8") as f:
            f.write("reflector unix - n n - 2 pipe flags=R user=nobody\n"
                    "  argv=%s/reflect ${client_address} ${client_helo} ${sender} ${recipient}\n" % bin)


def ask(p, world, flow, to, change=lambda x: x):
    """A message of that flow is sent to the reflector; what comes back, or None."""
    with open(os.path.join(world, flow["file"]), "rb") as f:
        text = change(f.read())
    code, said = p.send(flow["sender"], [to], text, client=flow["client"], helo=flow["helo"])
    assert code == 250, said
    mails = p.mail(1)
    p.empty()
    return email.message_from_bytes(mails[0], policy=email.policy.default) if mails else None


def answers(t, p, world, flows):
    m = ask(p, world, flows["direct"], "reflector@local.test")
    if not t.ok(m is not None, "a test mail has its answer", p.log()[-3000:]):
        return
    body = m.get_content()
    t.equal((m["From"], m["To"], m["Return-Path"]), ("reflector@local.test", "alice@strict.example", "<>"), "from the reflector, to who asked")
    t.ok(m["Subject"].startswith("Auto: ") and m["Auto-Submitted"] == "auto-replied" and m["In-Reply-To"], "as an answer of a machine", m.items())
    t.ok("Next step\n  Nothing has to be done.\n" in body and "dmarc  pass       strict.example" in body, "it explains", body)
    m = ask(p, world, flows["direct"], "reflector-ja@local.test", lambda x: x.replace("Subject: A".encode(), "Subject: 試験".encode(), 1))
    body = m.get_content() if m else ""
    t.ok(m is not None and "次の手順\n  " in body and "DKIM_HEAD_CHANGED" in body and m["Content-Language"] == "ja",
         "in Japanese, of one whose subject was changed", (body, p.log()[-2000:] if not m else ""))
    m = ask(p, world, flows["spoof-reject"], "reflector@local.test")
    t.ok(m is not None and "p=reject" in m.get_content(), "a spoof's answer says why it fails", m and m.get_content())
    for line in (m.get_content() if m else "").splitlines():
        if len(line) > 998:
            t.ok(False, "a line of %d octets" % len(line))


def silent(t, p, world, flows):
    for label in ("bounce", "list-plain"):
        with open(os.path.join(world, flows[label]["file"]), "rb") as f:
            text = f.read()
        p.send(flows[label]["sender"], ["reflector@local.test"], text, client=flows[label]["client"], helo=flows[label]["helo"])
    t.ok(wait_for(lambda: p.log().count("relay=reflector") >= 5 and p.queued() == 0, 20), "a bounce and a list's mail are taken", p.log()[-2000:])
    t.ok(stays(lambda: not p.mails(), 1), "… and not answered")
    t.ok("status=sent" in p.log() and "bounced" not in p.log(), "no mail bounces", p.log()[-3000:])


def main():
    t = Tap()
    why = postfix.missing()
    if why:
        t.skip("the reflector with Postfix", why)
        return t.done()
    with house.folder() as d:
        world = os.path.join(d, "world")
        made = subprocess.run([house.SEKISHO, "lab", "mail", "--first-port", "2525", world], capture_output=True, timeout=patient(60))
        t.ok(made.returncode == 0, "a world", made.stderr)
        os.chmod(world, 0o755)
        with open(os.path.join(world, "flows.json"), encoding="utf-8") as f:
            flows = {x["label"]: x for x in json.load(f)["flows"]}
        with Post(os.path.join(d, "post"), world) as p:
            t.case(answers, t, p, world, flows)
            t.case(silent, t, p, world, flows)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
