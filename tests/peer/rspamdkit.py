"""rspamd on loopback with a configuration of its own, and the DNS that it asks.

Only the modules that judge and sign mail are loaded; nothing of /etc/rspamd is
read, and no other host is asked.
"""
import http.client
import json
import os
import signal
import socket
import subprocess
import threading

import peers
from dnskit import TYPES, name_wire
from patience import free_port, patient, wait_for

SHARE = "/usr/share/rspamd"
CONF = """
options {
	filters = "dkim";
	pidfile = "%(home)s/rspamd.pid"; tempdir = "%(home)s"; hs_cache_dir = "%(home)s"; cache_file = "%(home)s/symbols";
	control_socket = "%(home)s/control mode=0600"; url_tld = "%(home)s/suffixes";
	local_addrs = []; task_timeout = 60s; disable_hyperscan = true;
	dns { nameserver = ["127.0.0.1:%(dns)d"]; timeout = 10s; retransmits = 2; sockets = 4; }
}
logging { type = "file"; filename = "%(home)s/rspamd.log"; level = "warning"; }
worker "normal" { bind_socket = "127.0.0.1:%(port)d"; count = 1; }
modules { path = "%(share)s/plugins"; }
dkim { dkim_cache_size = 2k; max_sigs = 20; time_jitter = 1d; check_local = true; check_authed = true; }
spf { check_local = true; check_authed = true; disable_ipv6 = false; }
dmarc { check_local = true; check_authed = true; }
arc { check_local = true; sign_inbound = false; sign_local = false; sign_authenticated = false; }
dkim_signing { sign_local = true; sign_authenticated = true; allow_envfrom_empty = true; allow_hdrfrom_mismatch = true;
	allow_username_mismatch = true; use_esld = false; check_pubkey = false;
	domain { %(keys)s } }
"""


class Dns(threading.Thread):
    """Rows {(name, type): [data in wire form]}: what is not there is NXDOMAIN, or NODATA beside or
    above a name that is."""

    def __init__(self, rows):
        super().__init__(daemon=True)
        self.rows = rows
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.start()

    def name_is(self, name):
        return any(n == name or n.endswith("." + name) for n, _ in self.rows)

    def answer(self, query):
        labels, i = [], 12
        while query[i]:
            labels.append(query[i + 1:i + 1 + query[i]].decode("latin-1").lower())
            i += 1 + query[i]
        name, rtype = ".".join(labels), int.from_bytes(query[i + 1:i + 3], "big")
        data = self.rows.get((name, rtype), [])
        rcode = 0 if self.name_is(name) else 3
        rrs = [b"\xc0\x0c" + rtype.to_bytes(2, "big") + b"\0\1\0\0\1\x2c" + len(d).to_bytes(2, "big") + d for d in data]
        head = query[:2] + (0x8580 | rcode).to_bytes(2, "big") + b"\0\1" + len(rrs).to_bytes(2, "big") + b"\0\0\0\0"
        return head + query[12:i + 5] + b"".join(rrs)

    def run(self):
        while True:
            try:
                query, who = self.socket.recvfrom(4096)
            except OSError:
                return
            self.socket.sendto(self.answer(query), who)

    def close(self):
        self.socket.close()


def row(rtype, text):
    """The wire form of TXT, A, AAAA or MX."""
    if rtype == "TXT":
        data = text.encode()
        return b"".join(bytes([len(data[i:i + 255])]) + data[i:i + 255] for i in range(0, len(data) or 1, 255))
    if rtype == "MX":
        prio, host = text.split(" ")
        return int(prio).to_bytes(2, "big") + name_wire(host)
    return socket.inet_pton(socket.AF_INET if rtype == "A" else socket.AF_INET6, text)


def rows_make(lines):
    """Of lines "name type data"."""
    rows = {}
    for line in lines:
        name, rtype, data = line.split(" ", 2)
        rows.setdefault((name, TYPES[rtype]), []).append(row(rtype, data))
    return rows


class Rspamd:
    """keys: {domain: [(selector, path of PEM)]}, with which it signs what an authenticated sender sends."""

    def __init__(self, home, dns, keys):
        self.home = os.path.join(home, "rspamd")
        os.mkdir(self.home)
        self.port = free_port()
        domains = "".join("\"%s\" { selectors [ %s ] } " % (d, ", ".join(
            "{ path = \"%s\"; selector = \"%s\" }" % (path, s) for s, path in k)) for d, k in keys.items())
        with open(os.path.join(self.home, "suffixes"), "w") as f:	# the world's takes a minute to compile
            f.write("com\njp\nnet\ntest\n")
        conf = os.path.join(self.home, "rspamd.conf")
        with open(conf, "w") as f:
            f.write(CONF % {"share": SHARE, "home": self.home, "dns": dns.port, "port": self.port, "keys": domains})
        with open(os.path.join(self.home, "out"), "wb") as log:
            self.process = subprocess.Popen([peers.find("rspamd"), "-f", "-i", "-c", conf], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, start_new_session=True)
        if not wait_for(lambda: self.process.poll() is not None or self.is_up()) or self.process.poll() is not None:
            if self.process.poll() is None:
                self.stop()
            with open(os.path.join(self.home, "out")) as f:
                raise RuntimeError("rspamd did not begin: " + f.read()[-1000:])

    @staticmethod
    def missing():
        return peers.missing("rspamd") is not None or not os.path.exists(SHARE)

    def is_up(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def check(self, text, **headers):
        """What it says of a message: symbols, and fields that it would add."""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=patient(60))
        c.request("POST", "/checkv2", text, {"Pass": "all", **headers})
        answer = json.loads(c.getresponse().read())
        c.close()
        return answer

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(patient(20))
