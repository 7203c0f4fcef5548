"""A PostgreSQL server of the test's own: in a scratch folder, on a socket there, as its own user."""
import glob
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lab"))
from patience import wait_for  # noqa: E402


def programs():
    """The folder of the newest server that is installed, or None."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"), key=lambda p: int(p.split("/")[4]))
    return os.path.dirname(found[-1]) if found else None


class Server:
    def __init__(self):
        self.bin, self.proc = programs(), None
        self.dir = tempfile.mkdtemp(prefix="pg", dir="/tmp")  # a socket's path is short
        self.user = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            user = pwd.getpwnam("postgres")
            self.user = dict(user=user.pw_uid, group=user.pw_gid, extra_groups=[])
            os.chown(self.dir, user.pw_uid, user.pw_gid)
        os.chmod(self.dir, 0o755)
        self.env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": self.dir}
        self.log = open(os.path.join(self.dir, "log"), "wb")
        subprocess.run([self.bin + "/initdb", "-D", self.dir + "/data", "-U", "sekisho", "-A", "trust", "-E", "UTF8",
                        "--no-sync"], check=True, stdout=self.log, stderr=self.log, env=self.env, cwd=self.dir, **self.user)

    def start(self, listen=""):
        self.proc = subprocess.Popen(
            [self.bin + "/postgres", "-D", self.dir + "/data", "-k", self.dir, "-h", listen, "-c", "max_connections=40",
             # What is killed is the server, never the system: its pages stay.
             "-c", "shared_buffers=16MB", "-c", "fsync=off"],
            stdout=self.log, stderr=self.log, env=self.env, cwd=self.dir, start_new_session=True, **self.user)
        return wait_for(lambda: self.sql("SELECT 1") == "1\n")

    def kill(self):
        """As if the machine had lost its power: the first process and all that it had made."""
        children = [int(p) for p in subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.proc.pid)],
                                                   capture_output=True, text=True).stdout.split()]
        for pid in [self.proc.pid] + children:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.proc.wait()
        wait_for(lambda: not any(os.path.exists("/proc/%d/exe" % pid) for pid in children))

    def sql(self, text):
        return subprocess.run(["psql", "-X", "-A", "-t", "-q", "-h", self.dir, "-U", "sekisho", "-d", "postgres", "-c", text],
                              capture_output=True, text=True, check=True, env=self.env).stdout

    def url(self, schema):
        """Of tables that others do not see; a schema is made in no time, a database is not."""
        return "postgresql://sekisho@%s/postgres?options=-csearch_path%%3D%s" % (
            urllib.parse.quote(self.dir, safe=""), schema)

    def done(self):
        if self.proc is not None and self.proc.poll() is None:
            self.proc.send_signal(signal.SIGINT)  # fast shutdown
            self.proc.wait()
        self.log.close()
        shutil.rmtree(self.dir)
