"""An RPKI-Router client, versions 0, 1 and 2, that trusts nothing.

Written from draft-ietf-sidrops-8210bis-26, RFC 8210 and RFC 6810 alone,
without a look at our server: it is the oracle that says whether a cache keeps
the rules. Each rule that a cache breaks becomes a line in Session.faults,
with the section that says so; the tests want that list to be empty.

    s = Session(host, port, version=2)
    state = s.reset()              # Reset Query … End of Data
    s.serial_query()               # brings s.state up to date
    s.faults                       # [] or what was wrong
"""
import ipaddress
import socket
import struct
import time

SERIAL_NOTIFY, SERIAL_QUERY, RESET_QUERY, CACHE_RESPONSE = 0, 1, 2, 3
IPV4, IPV6, END_OF_DATA, CACHE_RESET, ROUTER_KEY, ERROR, ASPA = 4, 6, 7, 8, 9, 10, 11
PAYLOAD = (IPV4, IPV6, ROUTER_KEY, ASPA)

CORRUPT, INTERNAL, NO_DATA, INVALID_REQUEST, BAD_VERSION, BAD_TYPE = 0, 1, 2, 3, 4, 5
UNKNOWN_WITHDRAW, DUPLICATE, UNEXPECTED_VERSION, ASPA_LIST = 6, 7, 8, 9
TRANSPORT, ORDERING, RESTART, SHUTDOWN = 10, 11, 12, 13

# Codes each version's own text defines (8210bis section 12, last paragraph).
CODES = {0: range(0, 8), 1: range(0, 9), 2: range(0, 14)}
# PDU types that a cache may send: the IANA table of 8210bis section 14.
FROM_CACHE = {
    0: (SERIAL_NOTIFY, CACHE_RESPONSE, IPV4, IPV6, END_OF_DATA, CACHE_RESET, ERROR),
    1: (SERIAL_NOTIFY, CACHE_RESPONSE, IPV4, IPV6, END_OF_DATA, CACHE_RESET, ERROR, ROUTER_KEY),
    2: (SERIAL_NOTIFY, CACHE_RESPONSE, IPV4, IPV6, END_OF_DATA, CACHE_RESET, ERROR, ROUTER_KEY,
        ASPA),
}
FIXED = {SERIAL_NOTIFY: 12, CACHE_RESPONSE: 8, IPV4: 20, IPV6: 32, CACHE_RESET: 8}
PDU_MAX = 65535
# Section 6: name, least, most.
TIMERS = (("refresh", 1, 86400), ("retry", 1, 7200), ("expire", 600, 172800))


class Closed(Exception):
    """The cache closed the connection."""


class Silent(Exception):
    """Nothing came in the time the test gave it."""


class Pdu:
    def __init__(self, raw):
        self.raw = raw
        self.version, self.type, self.field, self.length = struct.unpack(">BBHI", raw[:8])
        self.body = raw[8:]

    def __repr__(self):
        return "PDU(v%d type %d field %d length %d %s)" % (
            self.version, self.type, self.field, self.length, self.body[:24].hex())


def query_reset(version, zero=0):
    return struct.pack(">BBHI", version, RESET_QUERY, zero, 8)


def query_serial(version, session, serial):
    return struct.pack(">BBHII", version, SERIAL_QUERY, session, 12, serial)


def error_report(version, code, pdu=b"", text=b""):
    return struct.pack(">BBHII", version, ERROR, code, 16 + len(pdu) + len(text), len(pdu)) + \
        pdu + struct.pack(">I", len(text)) + text


def order_key(p):
    """Section 11.2 as a tuple that sorts ascending."""
    kind, flag, value = p[0], p[1], p[2:]
    if kind in (IPV4, IPV6):
        addr, plen, mlen, asn = value
        if flag:
            return (kind, 0, -addr, -mlen, -plen, -asn)
        return (kind, 1, addr, mlen, plen, asn)
    if kind == ROUTER_KEY:
        ski, spki, asn = value
        return (kind, 0 if flag else 1, ski, len(spki), spki, asn)
    return (kind, 0 if flag else 1, value[0])


class State:
    """What a router holds after End of Data."""

    def __init__(self):
        self.vrps = set()	# (type, addr, plen, mlen, asn)
        self.keys = set()	# (ski, spki, asn)
        self.aspas = {}		# customer: (providers)

    def __eq__(self, other):
        return (self.vrps, self.keys, self.aspas) == (other.vrps, other.keys, other.aspas)

    def copy(self):
        s = State()
        s.vrps, s.keys, s.aspas = set(self.vrps), set(self.keys), dict(self.aspas)
        return s

    def vrp_texts(self):
        """{(asn, "prefix", maxlen)}, as the CSV files of validators say it."""
        out = set()
        for kind, addr, plen, mlen, asn in self.vrps:
            a = ipaddress.IPv4Address(addr) if kind == IPV4 else ipaddress.IPv6Address(addr)
            out.add((asn, "%s/%d" % (a, plen), mlen))
        return out


class Session:
    def __init__(self, host, port, version=2, seconds=60.0):
        self.version = version
        self.seconds = seconds
        self.sock = socket.create_connection((host, port), timeout=seconds)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buf, self.at = b"", 0	# received; read up to here
        self.faults = []
        self.notes = []			# SHOULDs that were not kept
        self.session = None		# id, once a Cache Response told it
        self.serial = None
        self.timers = None
        self.state = State()
        self.negotiated = False
        self.notifies = []		# (time, pdu)
        self.sent = b""			# all we ever sent: errors quote from it
        self.payloads = []		# of the last response, parsed, in order

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.sock.close()

    def fault(self, section, text):
        self.faults.append("8210bis %s: %s" % (section, text))

    # --- bytes --------------------------------------------------------

    def send(self, data):
        self.sent += data
        self.sock.sendall(data)

    def recv_exact(self, n, deadline):
        while len(self.buf) - self.at < n:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Silent()
            self.sock.settimeout(left)
            try:
                got = self.sock.recv(262144)
            except socket.timeout:
                raise Silent() from None
            except ConnectionError:
                raise Closed() from None
            if not got:
                self.cut_check()
                raise Closed()
            self.buf, self.at = self.buf[self.at:] + got, 0
        self.at += n
        return self.buf[self.at - n:self.at]

    def cut_check(self):
        if self.at < len(self.buf):
            self.fault("5", "closed in the middle of a PDU: %s"
                       % self.buf[self.at:self.at + 16].hex())
            self.at = len(self.buf)

    def pdu_raw(self, seconds=None):
        """The next PDU, checked in itself."""
        deadline = time.monotonic() + (self.seconds if seconds is None else seconds)
        head = self.recv_exact(8, deadline)
        length = struct.unpack(">I", head[4:])[0]
        if length < 8 or length > PDU_MAX:
            self.fault("5.1", "length %d" % length)
            raise Closed()
        pdu = Pdu(head + self.recv_exact(length - 8, deadline))
        self.pdu_check(pdu)
        return pdu

    def pdu(self, seconds=None):
        """The next PDU that is not a Serial Notify; those are kept aside."""
        while True:
            p = self.pdu_raw(seconds)
            if p.type != SERIAL_NOTIFY:
                return p
            self.notify_check(p)
            self.notifies.append((time.monotonic(), p))

    def closed_by_peer(self, seconds=60.0):
        """True if the cache closes now without another word."""
        try:
            p = self.pdu(seconds)
            self.fault("12", "unexpected %r before the close" % p)
            return False
        except Closed:
            return True
        except Silent:
            return False

    # --- one PDU ------------------------------------------------------

    def pdu_check(self, p):
        if p.version != self.version:
            if p.type == ERROR and not self.negotiated:
                pass		# it carries the cache's own version (section 7)
            else:
                self.fault("7", "version %d in a version %d session: %r"
                           % (p.version, self.version, p))
        if p.version in FROM_CACHE and p.type not in FROM_CACHE[p.version]:
            self.fault("14", "type %d from a cache in version %d" % (p.type, p.version))
            return
        want = FIXED.get(p.type)
        if p.type == END_OF_DATA:
            want = 12 if p.version == 0 else 24
        if want is not None and p.length != want:
            self.fault("5", "type %d has length %d, not %d" % (p.type, p.length, want))
            return
        if p.type in (IPV4, IPV6, CACHE_RESET) and p.field != 0:
            self.fault("5", "the zero field of type %d is %d" % (p.type, p.field))
        if p.type in (ROUTER_KEY, ASPA) and p.field & 0xff != 0:
            self.fault("5", "the zero octet of type %d is %d" % (p.type, p.field & 0xff))
        if p.type == ERROR:
            self.error_check(p)

    def error_check(self, p):
        """Section 5.11; the parts become attributes of the PDU."""
        p.code, p.quoted, p.text = p.field, b"", ""
        if p.version in CODES and p.code not in CODES[p.version]:
            self.fault("12", "code %d is not of version %d" % (p.code, p.version))
        if len(p.body) < 8:
            self.fault("5.11", "an Error Report of %d octets" % p.length)
            return
        n = struct.unpack(">I", p.body[:4])[0]
        if 4 + n + 4 > len(p.body):
            self.fault("5.11", "quotes %d octets in %d" % (n, p.length))
            return
        p.quoted = p.body[4:4 + n]
        m = struct.unpack(">I", p.body[4 + n:8 + n])[0]
        if 8 + n + m != len(p.body):
            self.fault("5.11", "text of %d octets does not fill the PDU" % m)
            return
        try:
            p.text = p.body[8 + n:].decode("utf-8")
        except UnicodeDecodeError:
            self.fault("5.11", "the text is not UTF-8")
        if 0 < n < 4:
            self.fault("5.11", "quotes fewer than 4 octets")
        if n and p.quoted not in self.sent:
            self.fault("5.11", "quotes what was never sent: %s" % p.quoted[:16].hex())
        if n and p.quoted[1:2] == bytes([ERROR]):
            self.fault("5.11", "an Error Report answers an Error Report")

    def notify_check(self, p):
        if not self.negotiated:
            self.notes.append("7: Serial Notify before the version is agreed")
            return
        if self.session is not None and p.field != self.session:
            self.fault("5.2", "Serial Notify of session %d, not %d" % (p.field, self.session))

    def payload_parse(self, p):
        """(type, flag, …) or None; faults for what breaks a rule."""
        if p.type in (IPV4, IPV6):
            return self.prefix_parse(p)
        flags = p.field >> 8
        if flags & ~1:
            self.fault("5.1", "reserved flag bits %#x" % flags)
        if p.type == ROUTER_KEY:
            if len(p.body) < 24 + 2:
                self.fault("5.10", "Router Key of %d octets" % p.length)
                return None
            return (ROUTER_KEY, flags & 1, p.body[:20], p.body[24:],
                    struct.unpack(">I", p.body[20:24])[0])
        return self.aspa_parse(p, flags & 1)

    def prefix_parse(self, p):
        bits = 32 if p.type == IPV4 else 128
        flags, plen, mlen, zero = p.body[:4]
        addr = int.from_bytes(p.body[4:4 + bits // 8], "big")
        asn = struct.unpack(">I", p.body[4 + bits // 8:])[0]
        if flags & ~1:
            self.fault("5.1", "reserved flag bits %#x" % flags)
        if zero:
            self.fault("5", "the zero octet of a prefix is %d" % zero)
        if plen > bits or mlen > bits:
            self.fault("5.6", "lengths %d, %d" % (plen, mlen))
            return None
        if mlen < plen:
            self.fault("5.1", "max length %d below prefix length %d" % (mlen, plen))
        if addr & ((1 << (bits - plen)) - 1):
            self.fault("5.6", "bits beyond the prefix length are set: %x/%d" % (addr, plen))
        return (p.type, flags & 1, addr, plen, mlen, asn)

    def aspa_parse(self, p, flag):
        if len(p.body) < 4 or len(p.body) % 4:
            self.fault("5.12", "ASPA of %d octets" % p.length)
            return None
        words = struct.unpack(">%dI" % (len(p.body) // 4), p.body)
        customer, providers = words[0], words[1:]
        if flag == 0 and p.length != 12:
            self.fault("5.12", "a withdrawal of %d octets" % p.length)
        if flag and not providers:
            self.fault("5.12", "an announcement without providers")
        if any(a >= b for a, b in zip(providers, providers[1:])):
            self.fault("5.12", "providers of AS %d not ascending and unique" % customer)
        if 0 in providers and len(providers) > 1:
            self.fault("5.12", "AS 0 among the providers of AS %d" % customer)
        return (ASPA, flag, customer, providers)

    # --- one response -------------------------------------------------

    def response(self, full):
        """From Cache Response to End of Data. Other answers come back as they
        are: an ERROR or CACHE_RESET PDU. None: the data were taken."""
        p = self.pdu()
        if p.type in (ERROR, CACHE_RESET):
            return p
        if p.type != CACHE_RESPONSE:
            self.fault("8.1", "%r instead of a Cache Response" % p)
            return p
        self.negotiated = True
        if not full and self.session is not None and p.field != self.session:
            self.fault("5.5", "session %d answers a query of session %d"
                       % (p.field, self.session))
        session = p.field
        self.payloads = []
        while True:
            p = self.pdu()
            if p.type not in PAYLOAD:
                break
            item = self.payload_parse(p)
            if item is not None:
                self.payloads.append(item)
        if p.type != END_OF_DATA:
            self.fault("8.1", "%r instead of End of Data" % p)
            return p
        if p.field != session:
            self.fault("5.8", "End of Data of session %d, not %d" % (p.field, session))
        self.end_check(p)
        self.order_check()
        self.apply(full)
        self.session = session
        self.serial = struct.unpack(">I", p.body[:4])[0]
        return None

    def end_check(self, p):
        if p.version == 0 or len(p.body) != 16:
            return
        self.timers = struct.unpack(">III", p.body[4:])
        for (name, least, most), value in zip(TIMERS, self.timers):
            if not least <= value <= most:
                self.fault("6", "%s interval %d outside %d..%d" % (name, value, least, most))
        refresh, retry, expire = self.timers
        if expire <= refresh or expire <= retry:
            self.fault("6", "expire %d is not above refresh %d and retry %d"
                       % (expire, refresh, retry))

    def order_check(self):
        """A MUST in version 2, a SHOULD before."""
        keys = [order_key(i) for i in self.payloads]
        for a, b, i in zip(keys, keys[1:], self.payloads[1:]):
            if a >= b:
                text = "%r stands after one that it precedes or equals" % (i,)
                if self.version >= 2:
                    self.fault("11.2", text)
                else:
                    self.notes.append("11.2: " + text)
                return

    def apply(self, full):
        old = State() if full else self.state
        new = old.copy()
        seen = set()
        for item in self.payloads:
            kind, flag, value = item[0], item[1], item[2:]
            subject = (kind,) + (value[:1] if kind == ASPA else value)
            if full and not flag:
                self.fault("5.5", "a withdrawal answers a Reset Query: %r" % (item,))
            if subject in seen:
                self.fault("5.3", "more than the minimal change: %r again" % (subject,))
            seen.add(subject)
            if kind == ASPA:
                self.apply_aspa(old, new, flag, *value)
                continue
            into = new.keys if kind == ROUTER_KEY else new.vrps
            entry = value if kind == ROUTER_KEY else (kind,) + value
            if flag and entry in into:
                self.fault("5.6", "announces what is active: %r" % (entry,))
            if not flag and entry not in into:
                self.fault("12", "withdraws what is not there: %r" % (entry,))
            (into.add if flag else into.discard)(entry)
        self.state = new

    def apply_aspa(self, old, new, flag, customer, providers):
        if not flag:
            if customer not in new.aspas:
                self.fault("12", "withdraws the ASPA of AS %d, not there" % customer)
            new.aspas.pop(customer, None)
            return
        if old.aspas.get(customer) == providers:
            self.fault("5.3", "announces the ASPA of AS %d unchanged" % customer)
        new.aspas[customer] = providers

    # --- what a router does -------------------------------------------

    def reset(self):
        self.send(query_reset(self.version))
        return self.response(True)

    def serial_query(self, session=None, serial=None):
        self.send(query_serial(self.version,
                               self.session if session is None else session,
                               self.serial if serial is None else serial))
        return self.response(False)

    def notify_wait(self, seconds):
        """The next Serial Notify; Silent if none comes."""
        if self.notifies:
            return self.notifies.pop(0)[1]
        deadline = time.monotonic() + seconds
        while True:
            p = self.pdu_raw(max(0.0, deadline - time.monotonic()))
            if p.type == SERIAL_NOTIFY:
                self.notify_check(p)
                return p
            self.fault("5.2", "unasked for: %r" % p)


def newer(a, b):
    """RFC 1982: is serial a newer than b?"""
    return a != b and ((a - b) & 0xffffffff) < 0x80000000
