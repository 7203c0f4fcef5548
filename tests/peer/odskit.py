"""
An OpenDNSSEC of our own: enforcer and signer of the system in a folder, its keys in a
SoftHSM token there, and its clock where a test wants it ("ods-enforcer time leap").

What it prints is the input of app/key_list.c; record_lists.py keeps it for machines
without OpenDNSSEC.
"""
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lab"))
from patience import free_port, patient, wait_for  # noqa: E402

PIN = "1234"
LEAP_MAX = 30 * 86400
TOOLS = ("ods-enforcerd", "ods-enforcer", "softhsm2-util")
SCHEMA = "/usr/share/opendnssec/schema.sqlite"
MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so")

CONF = """<?xml version="1.0" encoding="UTF-8"?>
<Configuration>
<RepositoryList><Repository name="SoftHSM"><Module>{module}</Module><TokenLabel>ods</TokenLabel>
<PIN>{pin}</PIN><SkipPublicKey/></Repository></RepositoryList>
<Common><Logging><Verbosity>1</Verbosity><Syslog><Facility>local0</Facility></Syslog></Logging>
<PolicyFile>{d}/kasp.xml</PolicyFile><ZoneListFile>{d}/zonelist.xml</ZoneListFile></Common>
<Enforcer><Datastore><SQLite>{d}/kasp.db</SQLite></Datastore>
<AutomaticKeyGenerationPeriod>P1Y</AutomaticKeyGenerationPeriod>
<PidFile>{d}/enforcerd.pid</PidFile><SocketFile>{d}/enforcer.sock</SocketFile>
<WorkingDirectory>{d}/enforcer</WorkingDirectory></Enforcer>
<Signer><WorkingDirectory>{d}/signer</WorkingDirectory>
<Listener><Interface><Address>127.0.0.1</Address><Port>{port}</Port></Interface></Listener></Signer>
</Configuration>
"""

KASP = """<?xml version="1.0" encoding="UTF-8"?>
<KASP><Policy name="test"><Description>Short times</Description>
<Signatures><Resign>PT10M</Resign><Refresh>P3D</Refresh><Validity><Default>P14D</Default><Denial>P14D</Denial></Validity>
<Jitter>PT1M</Jitter><InceptionOffset>PT3600S</InceptionOffset><MaxZoneTTL>PT{ttl}S</MaxZoneTTL></Signatures>
<Denial><NSEC/></Denial>
<Keys><TTL>PT{ttl}S</TTL><RetireSafety>PT360S</RetireSafety><PublishSafety>PT360S</PublishSafety><Purge>P14D</Purge>
{keys}</Keys>
<Zone><PropagationDelay>PT300S</PropagationDelay><SOA><TTL>PT{ttl}S</TTL><Minimum>PT{ttl}S</Minimum><Serial>unixtime</Serial></SOA></Zone>
<Parent><PropagationDelay>PT300S</PropagationDelay><DS><TTL>PT3600S</TTL></DS><SOA><TTL>PT3600S</TTL><Minimum>PT3600S</Minimum></SOA></Parent>
</Policy></KASP>
"""
SPLIT = """<KSK><Algorithm length="256">13</Algorithm><Lifetime>P1Y</Lifetime><Repository>SoftHSM</Repository></KSK>
<ZSK><Algorithm length="256">13</Algorithm><Lifetime>P90D</Lifetime><Repository>SoftHSM</Repository></ZSK>
"""


def missing():
    """The reason why it cannot run here, or None."""
    for tool in TOOLS:
        if shutil.which(tool) is None:
            return tool + " is not installed"
    if not os.path.exists(SCHEMA):
        return SCHEMA + " is not there"
    return None if module() else "SoftHSM is not installed"


def module():
    return next((m for m in MODULES if os.path.exists(m)), None)


class Ods:
    def __init__(self, d, keys=SPLIT, ttl=3600):
        self.d = d
        self.proc = self.signer = None
        self.zones = 0
        self.conf = os.path.join(d, "conf.xml")
        self.env = dict(os.environ, SOFTHSM2_CONF=os.path.join(d, "softhsm2.conf"))
        for name in ("tokens", "enforcer", "signer", "signconf", "unsigned", "signed"):
            os.makedirs(os.path.join(d, name), exist_ok=True)
        self.write("softhsm2.conf", "directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n" % d)
        self.write("conf.xml", CONF.format(d=d, module=module(), pin=PIN, port=free_port()))
        self.write("kasp.xml", KASP.format(keys=keys, ttl=ttl))
        self.write("zonelist.xml", '<?xml version="1.0" encoding="UTF-8"?>\n<ZoneList/>\n')
        self.tool("softhsm2-util", "--init-token", "--free", "--label", "ods", "--pin", PIN, "--so-pin", PIN)
        db = sqlite3.connect(os.path.join(d, "kasp.db"))
        with open(SCHEMA) as f:
            db.executescript(f.read())
        db.execute("INSERT INTO databaseVersion (rev, version) SELECT 1, 1 WHERE NOT EXISTS (SELECT 1 FROM databaseVersion)")
        db.commit()
        db.close()

    def write(self, name, text):
        with open(os.path.join(self.d, name), "w") as f:
            f.write(text)
        return os.path.join(self.d, name)

    def tool(self, *args):
        p = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=self.env,
                           timeout=patient(30), cwd=self.d)
        assert p.returncode == 0, " ".join(args) + ": " + p.stdout
        return p.stdout

    def start(self, at=None):
        args = ["ods-enforcerd", "-c", self.conf, "-d"] + (["--set-time", str(at)] if at is not None else [])
        with open(os.path.join(self.d, "log"), "ab") as log:
            self.proc = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env)
        wait_for(lambda: os.path.exists(os.path.join(self.d, "enforcer.sock")) or self.proc.poll() is not None, 20)
        assert self.proc.poll() is None, self.log()

    def log(self):
        with open(os.path.join(self.d, "log"), errors="replace") as f:
            return f.read()

    def ask(self, *args):
        return self.tool("ods-enforcer", "-s", os.path.join(self.d, "enforcer.sock"), *args)

    def try_ask(self, *args):
        """Its workers run beside us: what is asked for may be done already."""
        try:
            self.ask(*args)
        except AssertionError:
            pass

    def list(self, *args):
        """What "key list" prints."""
        return self.ask("key", "list", *args)

    def zone_add(self, zone, text="", policy="test"):
        self.zones += 1
        files = [os.path.join(self.d, f, zone) for f in ("unsigned", "signed", "signconf")]
        self.write(os.path.join("unsigned", zone), text)
        self.ask("zone", "add", "-z", zone, "-p", policy, "-i", files[0], "-o", files[1], "-s", files[2])
        return files[1]

    def rows(self, *args):
        return [line.split(";") for line in self.list("-v", "-p", *args).splitlines() if ";" in line]

    def pause(self):
        """Seconds until its next task; None: some are due, or being done."""
        said = self.ask("queue")
        n = re.search(r"There (?:is|are) (\d+) task", said)
        at = [int(x) for x in re.findall(r"\((\d+) seconds since epoch\)", said)]
        return at[1] - at[0] if n and int(n.group(1)) == self.zones and len(at) > 1 and at[1] > at[0] else None

    def parent(self, rows):
        """Does what it waits for; whether there was anything."""
        waits = [r for r in rows if r[3] in ("waiting for ds-seen", "waiting for ds-gone")]
        for r in waits:
            self.try_ask("key", r[3].split()[-1], "-z", r[0], "-k", r[6])
        return waits

    def until(self, what):
        """
        Years in seconds, from one task to the next; what(rows of all keys). A longer way than
        a roll's steps have is a life's: then something that was asked for is not begun yet.
        """
        def step():
            rows = self.rows()
            if what(rows):
                return True
            if not self.parent(rows) and (self.pause() or LEAP_MAX) < LEAP_MAX:
                self.try_ask("time", "leap")
            return False
        return bool(wait_for(step, 20, 0.05))

    def sign(self, signed):
        """
        The signer knows only one place for its socket, and for the list of zones of the
        enforcer: it gets its own view of both. False: this user may not do that.
        """
        if shutil.which("ods-signerd") is None or shutil.which("unshare") is None or os.getuid() != 0:
            return False
        self.ask("signconf")
        places = "mount -t tmpfs t /run && mkdir /run/opendnssec && mount --bind %s/enforcer /var/lib/opendnssec/enforcer" % self.d
        with open(os.path.join(self.d, "signer.log"), "wb") as log:
            self.signer = subprocess.Popen(["unshare", "-m", "sh", "-c", places + " && exec ods-signerd -d -c " + self.conf],
                                           stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env)
        done = wait_for(lambda: os.path.exists(signed) or self.signer.poll() is not None, 20)
        return done and os.path.exists(signed)

    def stop(self):
        for p in (self.signer, self.proc):
            if p is None:
                continue
            p.send_signal(signal.SIGTERM)
            try:
                p.wait(timeout=3)	# the signer may hang at its end; nothing of it is needed any more
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        self.signer = self.proc = None
