"""
A Postfix of one's own, from Debian's programs: its configuration, its queue,
its log and its ports are in one folder and on loopback; the system's instance
is neither read nor touched. It needs root, as Postfix drops its privileges.

    with Postfix(folder, milters="unix:/…/milter") as p:
        p.send("a@example.net", ["b@local.test"], b"From: …", client="192.0.2.1")
        p.mail(1)       # what was delivered, oldest first, as soon as there are so many
"""
import glob
import os
import pwd
import shutil
import signal
import smtplib
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from patience import free_port, patient, wait_for  # noqa: E402

MASTER = "/usr/lib/postfix/sbin/master"
DOMAIN = "local.test"
MAIN = """compatibility_level = 3.6
queue_directory = %(folder)s/queue
data_directory = %(folder)s/data
maillog_file = %(folder)s/log/postfix
maillog_file_prefixes = %(folder)s
myhostname = mx.local.test
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination =
alias_maps =
smtputf8_enable = no
disable_dns_lookups = yes
smtpd_authorized_xclient_hosts = 127.0.0.1
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions =
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
virtual_mailbox_domains = local.test
virtual_mailbox_base = %(folder)s/box
virtual_mailbox_maps = static:in/
virtual_minimum_uid = 1
virtual_uid_maps = static:%(uid)d
virtual_gid_maps = static:%(gid)d
smtpd_milters = %(milters)s
milter_default_action = %(default)s
milter_connect_timeout = 5s
in_flow_delay = 0
%(more)s
"""
SERVICES = """%(port)d inet n - n - 50 smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""


def missing():
    """Why it cannot be had here, or None."""
    if os.geteuid() != 0:
        return "root is needed: Postfix drops its privileges"
    if not os.path.exists(MASTER):
        return "no postfix"
    try:
        pwd.getpwnam("postfix")
    except KeyError:
        return "no user postfix"
    return None


def group():
    """Who may use the socket of a milter."""
    return pwd.getpwnam("postfix").pw_gid


class Postfix:
    def __init__(self, folder, milters, default="tempfail", more=""):
        self.folder, self.port, self.proc = folder, free_port(), None
        self.user = pwd.getpwnam("postfix")
        values = {"folder": folder, "milters": milters, "default": default, "more": more, "port": self.port,
                  "uid": self.user.pw_uid, "gid": self.user.pw_gid}
        self.conf = os.path.join(folder, "conf")
        for d in ("conf", "log", "queue", "queue/pid"):
            os.makedirs(os.path.join(folder, d), exist_ok=True)
        for d in ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming",
                  "private", "public", "maildrop", "saved", "trace", "../data", "../box"):
            path = os.path.join(folder, "queue", d)
            os.makedirs(path, exist_ok=True)
            os.chown(path, self.user.pw_uid, self.user.pw_gid)
        for name, text in (("main.cf", MAIN), ("master.cf", SERVICES)):
            with open(os.path.join(self.conf, name), "w") as f:
                f.write(text % values)
        shutil.copy("/etc/postfix/dynamicmaps.cf", self.conf)
        self.box = os.path.join(folder, "box", "in", "new")

    def start(self):
        self.proc = subprocess.Popen([MASTER, "-c", self.conf, "-s"], stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                     env={"MAIL_CONFIG": self.conf, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
                                     start_new_session=True)
        if wait_for(lambda: self.smtp().quit(), 10) is None:
            raise RuntimeError("postfix does not answer: " + self.log())
        return self

    def stop(self):
        if self.proc is not None:
            self.proc.send_signal(signal.SIGTERM)
            try:
                self.proc.wait(patient(5))
            except subprocess.TimeoutExpired:
                os.killpg(self.proc.pid, signal.SIGKILL)
                self.proc.wait()
        self.proc = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def log(self):
        try:
            with open(os.path.join(self.folder, "log", "postfix")) as f:
                return f.read()
        except OSError:
            return ""

    def smtp(self, client=None, helo="client.test"):
        """A session; client: the address that it comes from, as far as Postfix knows."""
        s = smtplib.SMTP("127.0.0.1", self.port, local_hostname=helo, timeout=patient(20))
        if client is not None:
            s.ehlo()
            code, text = s.docmd("XCLIENT", "ADDR=%s NAME=[UNAVAILABLE]" % client)
            if code != 220:
                raise smtplib.SMTPResponseException(code, text)
            s.ehlo_resp = s.helo_resp = None
        s.ehlo()
        return s

    def send(self, sender, recipients, message, client=None, helo="client.test"):
        """(code, text) of the answer that decided."""
        try:
            s = self.smtp(client, helo)
        except smtplib.SMTPResponseException as e:
            return e.smtp_code, e.smtp_error.decode()
        try:
            code, text = s.mail(sender)
            for r in recipients:
                if code == 250:
                    code, text = s.rcpt(r)
            if code == 250:
                code, text = s.data(message)
            return code, text.decode()
        except smtplib.SMTPResponseException as e:
            return e.smtp_code, e.smtp_error.decode()
        except smtplib.SMTPServerDisconnected:
            return 421, "closed"
        finally:
            s.close()

    def mail(self, n, seconds=10):
        """What was delivered: bytes, oldest first; None if it does not come to be n."""
        return self.mails() if wait_for(lambda: len(glob.glob(os.path.join(self.box, "*"))) >= n, seconds) else None

    def mails(self):
        """What was delivered until now."""
        out = []
        for p in sorted(glob.glob(os.path.join(self.box, "*")), key=os.path.getmtime):
            with open(p, "rb") as f:
                out.append(f.read())
        return out

    def take(self, seconds=10):
        """The one mail that was delivered; then the box is empty."""
        got = self.mail(1, seconds)
        self.empty()
        return None if not got else got[0]

    def empty(self):
        for p in glob.glob(os.path.join(self.box, "*")):
            os.unlink(p)

    def held(self):
        return self.lie_in("hold")

    def queued(self):
        """Mails that are on their way."""
        return self.lie_in("incoming") + self.lie_in("active") + self.lie_in("deferred")

    def lie_in(self, queue):
        return sum(len(names) for _, _, names in os.walk(os.path.join(self.folder, "queue", queue)))
