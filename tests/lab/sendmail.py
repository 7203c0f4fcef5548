"""
A Sendmail of one's own: Debian's packages unpacked into a folder and never installed (they conflict
with Postfix's), with its configuration made by its own m4 files, its queue and its port in that
folder and on loopback. It needs root.

    with Sendmail(folder, "unix:/…/milter") as s:
        s.send("a@example.net", ["root@local.test"], b"From: …", source="127.0.0.77")
        s.take()        # what was delivered
"""
import glob
import os
import shutil
import smtplib
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from patience import free_port, patient, wait_for  # noqa: E402

PACKAGES = ["sendmail-bin", "sendmail-cf", "libwrap0", "m4", "libsigsegv2"]
MC = """divert(0)dnl
OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', `mx.local.test')dnl
define(`QUEUE_DIR', `%(folder)s/queue')dnl
define(`confPID_FILE', `%(folder)s/pid')dnl
define(`STATUS_FILE', `')dnl
define(`ALIAS_FILE', `')dnl
define(`HELP_FILE', `%(folder)s/help')dnl
define(`confSERVICE_SWITCH_FILE', `%(folder)s/switch')dnl
define(`confDONT_BLAME_SENDMAIL', `TrustStickyBit,GroupWritableDirPathSafe')dnl
define(`confTO_IDENT', `0')dnl
define(`confMILTER_LOG_LEVEL', `14')dnl
define(`LOCAL_MAILER_PATH', `%(folder)s/deliver')dnl
define(`LOCAL_MAILER_ARGS', `deliver $u')dnl
MODIFY_MAILER_FLAGS(`LOCAL', `-A')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`no_default_msa')dnl
LOCAL_DOMAIN(`local.test')dnl
DAEMON_OPTIONS(`Port=%(port)d, Addr=127.0.0.1, Name=MTA')dnl
INPUT_MAIL_FILTER(`sekisho', `S=%(milter)s, F=T, T=S:30s;R:60s;E:2m')dnl
MAILER(`local')dnl
MAILER(`smtp')dnl
"""
# Where the machine's name has no dot, Sendmail waits a minute for a better one: it sees another.
NAMED = ["unshare", "-u", "sh", "-c", "hostname mx.local.test && exec \"$@\"", "sh"]
DELIVER = """#!/bin/sh
f=$(mktemp %(box)s/.XXXXXXXX) && cat > $f && mv $f %(box)s/$(date +%%s%%N).$$
"""


def missing():
    """Why it cannot be had here, or None."""
    if os.geteuid() != 0:
        return "root is needed: Sendmail drops its privileges"
    if subprocess.run([*NAMED, "true"], capture_output=True).returncode != 0:
        return "no UTS namespace, in which it has a name"
    if shutil.which("apt-get") is None:
        return "no apt-get to have its packages from"
    return None


def unpack(folder):
    """Its root; None: the packages cannot be had."""
    root = os.path.join(folder, "root")
    os.makedirs(root)
    got = subprocess.run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=0",
                          "-o", "Acquire::http::Timeout=10", "download", *PACKAGES],
                         cwd=folder, capture_output=True, stdin=subprocess.DEVNULL)
    debs = glob.glob(os.path.join(folder, "*.deb"))
    if got.returncode != 0 or len(debs) != len(PACKAGES):
        return None
    for deb in debs:
        subprocess.run(["dpkg", "-x", deb, root], check=True, capture_output=True)
    for path in programs(root):		# with setgid it would not look at LD_LIBRARY_PATH
        os.chmod(path, 0o755)
    return root


def programs(root):
    return glob.glob(os.path.join(root, "usr/*/sendmail/sendmail"))


class Sendmail:
    def __init__(self, folder, root, milter):
        self.folder, self.root, self.port, self.proc = folder, root, free_port(), None
        self.box = os.path.join(folder, "box")
        for d in (folder, self.box, os.path.join(folder, "queue")):
            os.makedirs(d, exist_ok=True)
        os.chmod(self.box, 0o1777)	# a mailer of Sendmail's is not root
        os.chmod(folder, 0o755)
        self.put("switch", "hosts files\naliases files\n")
        self.put("deliver", DELIVER % {"box": self.box}, 0o755)
        self.put("sendmail.mc", MC % {"folder": folder, "port": self.port, "milter": milter})
        cf = os.path.join(root, "usr/share/sendmail/cf/")
        made = subprocess.run([os.path.join(root, "usr/bin/m4"), "-D_CF_DIR_=" + cf, cf + "m4/cf.m4",
                               os.path.join(folder, "sendmail.mc")], env=self.env(), capture_output=True)
        if made.returncode != 0:
            raise RuntimeError("m4: " + made.stderr.decode())
        self.put("sendmail.cf", made.stdout.decode())

    def put(self, name, text, mode=0o644):
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)

    def env(self):
        libs = glob.glob(os.path.join(self.root, "lib/*-linux-gnu")) + glob.glob(os.path.join(self.root, "usr/lib/*-linux-gnu"))
        return {"LD_LIBRARY_PATH": ":".join(libs), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}

    def start(self):
        with open(os.path.join(self.folder, "log"), "w") as log:
            self.proc = subprocess.Popen([*NAMED, programs(self.root)[0], "-C", os.path.join(self.folder, "sendmail.cf"), "-bD", "-q1m"],
                                         stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env())
        if wait_for(lambda: self.proc.poll() is not None or self.smtp().quit(), 20) is None or self.proc.poll() is not None:
            raise RuntimeError("sendmail does not answer: " + self.log())
        return self

    def stop(self):
        if self.proc is not None:
            self.proc.terminate()
            try:
                self.proc.wait(patient(5))
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
        self.proc = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def log(self):
        with open(os.path.join(self.folder, "log")) as f:
            return f.read()

    def smtp(self, source="127.0.0.1"):
        """A session, from an address of loopback."""
        s = smtplib.SMTP("127.0.0.1", self.port, local_hostname="client.test", timeout=patient(20), source_address=(source, 0))
        s.ehlo()
        return s

    def send(self, sender, recipients, message, source="127.0.0.1", options=()):
        """(code, text) of the answer that decided."""
        s = self.smtp(source)
        try:
            code, text = s.mail(sender, options)
            for r in recipients:
                if code == 250:
                    code, text = s.rcpt(r)
            if code == 250:
                code, text = s.data(message)
            return code, text.decode()
        except smtplib.SMTPResponseException as e:
            return e.smtp_code, e.smtp_error.decode()
        finally:
            s.close()

    def mail(self, n, seconds=10):
        """What was delivered, oldest first, without mbox's first line."""
        def there():
            names = sorted(glob.glob(os.path.join(self.box, "[0-9]*")))
            return names if len(names) >= n else None
        names = wait_for(there, seconds)
        if names is None:
            return None
        texts = [open(p, "rb").read() for p in names]
        return [x.split(b"\n", 1)[1] if x.startswith(b"From ") else x for x in texts]

    def take(self, seconds=10):
        got = self.mail(1, seconds)
        for p in glob.glob(os.path.join(self.box, "[0-9]*")):
            os.unlink(p)
        return got[0] if got else None

    def queued(self):
        """Mails that were quarantined: their files begin with hf."""
        return len(glob.glob(os.path.join(self.folder, "queue", "hf*")))
