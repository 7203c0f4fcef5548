"""
Role report in a world of its own, for tests and bench/reports.py: a state directory with segments
of a journal, lives of the role on days of its own, a DNS, and what its reports sum up to.
"""
import collections
import os
import shutil
import subprocess
import tempfile
import time

import role_kit
from mail_dns_server import TXT, Server, txt

TOOL = os.path.join(role_kit.BUILD, "tests", "mail", "rows-write")
DAY = 86400
TODAY = int(time.time()) // DAY			# the days of this world: T0 is the first
T0, LATE = TODAY * DAY, 23 * 3600		# by then, all moments of the day have passed


class Node:
    """A state directory with segments, and lives of the role in it."""

    def __init__(self, dns, sink, name="mx1", store=None, **conf):
        self.dir, self.name, self.numbers, self.serial, self.role = tempfile.mkdtemp(prefix="report"), name, 0, 0, None
        os.mkdir(self.dir + "/mail-rows")
        self.conf = dict(folder=self.dir, store=store or self.dir + "/reports/reports.sqlite", email="dmarc@us.example",
                         org_name="Us", via=sink.via, timeout=5, resolver=dns.address, mail_max=10, keep_rows=14 * DAY,
                         keep_names=400 * DAY)
        self.conf.update(conf)

    def path(self, number, ending="rows"):
        return "%s/mail-rows/%020d.%s" % (self.dir, number, ending)

    def rows(self, *groups):
        """(domain, day, n) or with another rua; a segment of them."""
        lines = []
        for domain, day, n, *rua in groups:
            for _ in range(n):
                self.serial += 1
                lines.append("\t".join((self.name, "Q%d" % self.serial, str(T0 + day * DAY + self.serial % DAY), domain,
                                        rua[0] if rua else "mailto:d@" + domain, "192.0.2.1", "none")))
        self.segment(subprocess.run([TOOL, str(self.numbers + 1)], input="\n".join(lines).encode(), check=True,
                                    capture_output=True).stdout)

    def segment(self, octets):
        self.numbers += 1
        with open(self.path(self.numbers) + ".new", "wb") as f:
            f.write(octets)
        os.rename(f.name, self.path(self.numbers))

    def live(self, day, seconds=LATE, **conf):
        """A life that begins on that day, so long after its midnight."""
        self.role = role_kit.Role("report", {**self.conf, **conf},
                                  offset=T0 + day * DAY + seconds - int(time.time()))
        assert self.role.ready(), self.role.log
        return self.role

    def until(self, cond, seconds=20):
        return self.role.until(lambda: cond(self.role.status()), seconds)

    def rest(self):
        """All that is possible now is done."""
        return self.until(lambda s: s["segments"] == 0 and s["sends"] and s.get("due") == 0 and s["unaddressed"] == 0 and s)

    def end(self, sig=None):
        if sig:
            self.role.p.send_signal(sig)
            self.role.p.wait()
            self.role.sock.close()
        else:
            self.role.close()

    def life(self, day, cond=None, **conf):
        """One from begin to end."""
        self.live(day, **conf)
        got = self.until(cond) if cond else self.rest()
        self.end()
        return got

    def gone(self):
        shutil.rmtree(self.dir)


def world(*domains):
    return Server({("_dmarc." + d, TXT): [txt("v=DMARC1; p=reject; rua=mailto:d@" + d)] for d in domains})


def sums(mails):
    """Rows by domain and day, each report once."""
    got, ids = collections.Counter(), {}
    for m in mails:
        if (m.id, m.to) not in ids:
            got[m.domain, m.begin // DAY - TODAY] += m.count
        ids.setdefault((m.id, m.to), m)
    return dict(got)


def peak_mb(pid):
    """The most memory that it had."""
    with open("/proc/%d/status" % pid) as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM")) // 1024
