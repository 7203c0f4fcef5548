#!/usr/bin/env python3
"""Our RTR server against a client written from the draft alone."""
import bz2
import json
import os
import signal
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers
import rtr2_client as rtr
from rtr2_client import Closed, Session, Silent
from rtrserver import NEVER, Server, many_roas, patient, router_keys, wait_for, world
from tap import Tap

tap = Tap()

BASE = many_roas(300) + [
    (64496, "192.0.2.0/24", 24), (64497, "192.0.2.0/24", 24), (0, "192.0.2.0/24", 24),
    (64496, "192.0.2.0/24", 28), (64496, "192.0.2.0/25", 28), (64496, "192.0.2.0/32", 32),
    (64496, "0.0.0.0/0", 0), (64496, "255.255.255.255/32", 32), (4294967295, "::/0", 128),
    (64496, "2001:db8::/32", 48), (64496, "2001:db8::/48", 48), (0, "2001:db8::/48", 48),
]
ASPAS = [(64496, [64497, 64499, 64510]), (64500, [0]), (65551, [64496]),
         (4294967295, [1, 4294967294])]

KEYS = router_keys(8)


def key_set(keys, version):
    """What a router of that version holds of them."""
    return {(ski, spki, asn) for asn, ski, spki in keys} if version >= 1 else set()


def texts(roas):
    return set(roas)


def aspa_dict(aspas):
    return {c: tuple(sorted(p)) for c, p in aspas}


def open_full(server, version):
    s = Session(server.host, server.port, version)
    answer = s.reset()
    if answer is not None:
        raise AssertionError("no full set: %r" % answer)
    return s


def case_full(server, version):
    """Section 5, 8.1, 11.2: the full set of each version, each PDU judged."""
    with open_full(server, version) as s:
        tap.none(s.faults, "v%d: full set keeps every rule" % version)
        tap.none(s.notes, "v%d: full set is ordered (11.2) and not announced early" % version)
        tap.ok(s.state.vrp_texts() == texts(BASE), "v%d: full set has exactly the VRPs" % version)
        tap.ok(s.state.aspas == (aspa_dict(ASPAS) if version == 2 else {}),
               "v%d: ASPAs in version 2 only" % version)
        tap.ok(s.state.keys == key_set(KEYS, version), "v%d: router keys from version 1 on (5.10)"
               % version, len(s.state.keys))
        first = s.state
        again = s.reset()
        tap.ok(again is None and s.state == first and not s.faults,
               "v%d: a second Reset Query gives the same" % version)
        serial, session = s.serial, s.session
        none = s.serial_query()
        tap.ok(none is None and s.payloads == [] and s.serial == serial
               and s.session == session, "v%d: nothing new is an empty response" % version)
        tap.none(s.faults, "v%d: no fault in the whole session" % version)
        return session


def case_sessions(server):
    ids = []
    for version in (0, 1, 2):
        with open_full(server, version) as s:
            ids.append(s.session)
    tap.equal(len(set(ids)), 3, "session ids differ between versions (5.1)")
    again = []
    for version in (0, 1, 2):
        with open_full(server, version) as s:
            again.append(s.session)
    tap.equal(again, ids, "session ids stay for the life of the cache")


def expect_error(s, codes, name, close=True):
    """The next answer is an Error Report with one of the codes."""
    try:
        p = s.pdu()
    except Closed:
        return tap.ok(False, name, "closed without an Error Report")
    except Silent:
        return tap.ok(False, name, "no answer")
    if not tap.ok(p.type == rtr.ERROR and p.code in codes, name, p):
        return None
    if close:
        tap.ok(s.closed_by_peer(), name + ", then closed")
    tap.none(s.faults, name + ": a sound report")
    return p


def case_negotiation(server):
    """Section 7."""
    for high in (3, 255):
        with Session(server.host, server.port, high) as s:
            s.send(rtr.query_reset(high))
            p = s.pdu()
            tap.ok(p.type == rtr.ERROR and p.version == 2 and p.code == rtr.BAD_VERSION,
                   "version %d: Error Report 4 of version 2" % high, p)
            s.version = 2
            try:
                answer = s.reset()
                tap.ok(answer is None and not s.faults,
                       "version %d: the router may ask again at 2 on the same transport" % high,
                       s.faults or answer)
            except Closed:
                tap.ok(False, "version %d: the router may ask again at 2 on the same transport"
                       % high, "closed")
    for version in (0, 1):
        with open_full(server, version) as s:
            tap.none(s.faults, "version %d: every PDU of the session carries it" % version)


def case_version_change(server):
    for version, other in ((2, 1), (1, 0), (1, 2), (0, 1), (2, 0), (2, 7)):
        with open_full(server, version) as s:
            s.send(rtr.query_reset(other))
            codes = (rtr.UNEXPECTED_VERSION,) if version > 0 else range(0, 8)
            expect_error(s, codes, "v%d session, query of v%d: refused (7)" % (version, other))


def case_serials(server):
    """Section 5.3: what the cache cannot supply, and what does not fit."""
    for version in (0, 1, 2):
        with open_full(server, version) as s:
            far = (s.serial + 1000) & 0xffffffff
            s.send(rtr.query_serial(version, s.session, far))
            p = s.pdu()
            tap.ok(p.type == rtr.CACHE_RESET, "v%d: a serial of the future: Cache Reset" % version, p)
            old = (s.serial - 100000) & 0xffffffff
            s.send(rtr.query_serial(version, s.session, old))
            p = s.pdu()
            tap.ok(p.type == rtr.CACHE_RESET, "v%d: a serial long gone: Cache Reset" % version, p)
            tap.ok(s.reset() is None and not s.faults, "v%d: Reset Query after Cache Reset"
                   % version, s.faults)
            s.send(rtr.query_serial(version, s.session ^ 0x5555, s.serial))
            expect_error(s, (rtr.CORRUPT,), "v%d: another session id in a session: code 0 (5.1)"
                         % version)
        with open_full(server, version) as s:
            session, serial = s.session, s.serial
        with Session(server.host, server.port, version) as s:
            s.session, s.serial = session, serial
            answer = s.serial_query()
            tap.ok(answer is None and s.payloads == [] and not s.faults,
                   "v%d: a new connection resumes its session" % version, s.faults or answer)
        with Session(server.host, server.port, version) as s:
            s.send(rtr.query_serial(version, session ^ 0x5555, serial))
            p = s.pdu()
            tap.ok(p.type == rtr.CACHE_RESET, "v%d: a session of an earlier cache: Cache Reset"
                   % version, p)
            tap.ok(s.reset() is None, "v%d: and then a Reset Query is answered" % version)
    with open_full(server, 1) as one, open_full(server, 2) as two:
        two_id, serial = two.session, one.serial
    with Session(server.host, server.port, 1) as s:
        s.send(rtr.query_serial(1, two_id, serial))
        p = s.pdu()
        tap.ok(p.type == rtr.CACHE_RESET, "version 2's session id means nothing in version 1", p)


def raw(version, kind, field, length, body=b""):
    return struct.pack(">BBHI", version, kind, field, length) + body


BROKEN = [
    # name, bytes after a good session of that version, codes that fit
    ("Reset Query of length 7", lambda v: raw(v, 2, 0, 7), (0, 3)),
    ("Reset Query of length 0", lambda v: raw(v, 2, 0, 0), (0, 3)),
    ("Reset Query of length 12", lambda v: raw(v, 2, 0, 12, b"\0\0\0\0"), (0, 3)),
    ("Serial Query of length 8", lambda v: raw(v, 1, 0, 8), (0, 3)),
    ("Serial Query of length 16", lambda v: raw(v, 1, 0, 16, b"\0" * 8), (0, 3)),
    ("Reset Query of length 65536", lambda v: raw(v, 2, 0, 65536), (0, 3)),
    ("Reset Query of length 4294967295", lambda v: raw(v, 2, 0, 0xffffffff), (0, 3)),
    ("PDU of type 5", lambda v: raw(v, 5, 0, 8), (5,)),
    ("PDU of type 12", lambda v: raw(v, 12, 0, 8), (5,)),
    ("PDU of type 255", lambda v: raw(v, 255, 0, 8), (5,)),
    ("Cache Response from a router", lambda v: raw(v, 3, 0, 8), (0, 3, 5)),
    ("End of Data from a router", lambda v: raw(v, 7, 0, 12 if v == 0 else 24,
                                                b"\0" * (4 if v == 0 else 16)), (0, 3, 5)),
    ("prefix from a router", lambda v: raw(v, 4, 0, 20, bytes((1, 24, 24, 0)) + b"\xc0\0\2\0"
                                           + b"\0\0\xfb\xf0"), (0, 3, 5)),
    ("Serial Notify from a router", lambda v: raw(v, 0, 0, 12, b"\0" * 4), (0, 3, 5)),
    ("Cache Reset from a router", lambda v: raw(v, 8, 0, 8), (0, 3, 5)),
]


def case_broken(server):
    for version in (0, 1, 2):
        for name, make, codes in BROKEN:
            with open_full(server, version) as s:
                s.send(make(version))
                expect_error(s, codes, "v%d: %s" % (version, name))
    for version in (0, 1, 2):
        with Session(server.host, server.port, version) as s:
            s.send(raw(version, 5, 0, 8))
            expect_error(s, (5,), "v%d: unknown type as the first PDU" % version)


def case_quoted(server):
    """Section 5.11: a binary copy of the PDU causing the error."""
    with open_full(server, 2) as s:
        bad = raw(2, 12, 0x1234, 24, bytes(range(16)))
        s.send(bad)
        p = s.pdu()
        tap.ok(p.type == rtr.ERROR and len(p.quoted) >= 8 and bad.startswith(p.quoted),
               "an Error Report quotes the erroneous PDU", p)
        if p.type == rtr.ERROR:
            tap.equal(p.quoted, bad, "all of it, when it fits")
    with open_full(server, 2) as s:
        bad = raw(2, 200, 0, 65535, b"\xaa" * 65527)
        s.send(bad)
        p = s.pdu()
        tap.ok(p.type == rtr.ERROR and p.length <= 65535 and len(p.quoted) >= 4
               and bad.startswith(p.quoted), "a quoted PDU that does not fit is truncated", p)


def case_error_silence(server):
    """Section 5.11: an Error Report is never answered by one."""
    for version in (0, 1, 2):
        for what, data in (("a sound one", rtr.error_report(version, 0, b"", b"sekisho test")),
                           ("a broken one", raw(version, rtr.ERROR, 0, 16, b"\xff" * 8)),
                           ("an unknown code", rtr.error_report(version, 200))):
            with open_full(server, version) as s:
                s.send(data)
                tap.ok(s.closed_by_peer() and not s.faults,
                       "v%d: %s is not answered, the session ends" % (version, what), s.faults)


def case_tolerance(server):
    with Session(server.host, server.port, 2) as s:
        s.send(rtr.query_reset(2, zero=0xbeef))
        answer = s.response(True)
        tap.ok(answer is None and not s.faults, "the zero field is ignored on receipt (5)", answer)
    with Session(server.host, server.port, 2) as s:
        for octet in rtr.query_reset(2):
            s.send(bytes([octet]))
            time.sleep(0.02)
        answer = s.response(True)
        tap.ok(answer is None and s.state.vrp_texts() == texts(BASE),
               "a query that comes octet by octet", answer)
    with Session(server.host, server.port, 2) as s:
        s.send(rtr.query_reset(2) * 5)
        good = all(s.response(True) is None for _ in range(5))
        tap.ok(good and not s.faults, "five queries in one segment, five answers", s.faults)
    for n in (1, 7):
        with Session(server.host, server.port, 2) as s:
            s.send(rtr.query_reset(2)[:n])
    with open_full(server, 2) as s:
        tap.none(s.faults, "routers that leave in the middle of a PDU hurt nobody")


def case_slow(server):
    """A router that does not read delays nobody."""
    slow = []
    for _ in range(4):
        s = socket.create_connection((server.host, server.port))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.sendall(rtr.query_reset(2) * 2000)
        slow.append(s)
    with open_full(server, 2) as s:		# they never do: who waits for them waits for ever
        tap.ok(not s.faults, "a full set while four routers do not read", s.faults)
    for s in slow:
        s.close()


def change(server, followers, content, name, silent=False):
    """Put a new world; every follower is told and brought up to date."""
    roas, aspas, keys = content
    server.put(world(roas, aspas, keys=keys))
    want = set(roas)
    for s in followers:
        if not silent:
            try:
                n = s.notify_wait(patient(20))
                told = struct.unpack(">I", n.body)[0]
                tap.ok(rtr.newer(told, s.serial), "v%d: %s: Serial Notify of a newer serial"
                       % (s.version, name), n)
            except Silent:
                tap.ok(False, "v%d: %s: Serial Notify" % (s.version, name), "none in 20 s")
        before = s.state.copy()
        deadline = time.monotonic() + patient(20)
        while True:
            answer = s.serial_query()
            if answer is not None or s.payloads or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        tap.ok(answer is None, "v%d: %s: Serial Query is answered by a delta"
               % (s.version, name), answer)
        tap.ok(s.state.vrp_texts() == want, "v%d: %s: the delta leads to the VRPs"
               % (s.version, name))
        tap.ok(s.state.aspas == (aspa_dict(aspas) if s.version == 2 else {}),
               "v%d: %s: and to the ASPAs" % (s.version, name), s.state.aspas)
        tap.ok(s.state.keys == key_set(keys, s.version), "v%d: %s: and to the router keys"
               % (s.version, name), len(s.state.keys))
        least = len(before.vrps ^ s.state.vrps) + len(before.keys ^ s.state.keys) + sum(
            before.aspas.get(c) != s.state.aspas.get(c)
            for c in set(before.aspas) | set(s.state.aspas))
        tap.equal(len(s.payloads), least, "v%d: %s: not a PDU more than needed (5.3)"
                  % (s.version, name))
        with open_full(server, s.version) as fresh:
            tap.ok(fresh.state == s.state and fresh.serial == s.serial
                   and fresh.session == s.session,
                   "v%d: %s: the full set says the same" % (s.version, name))
        tap.none(s.faults, "v%d: %s: every rule kept" % (s.version, name))
        tap.none(s.notes, "v%d: %s: and the ordering" % (s.version, name))


def case_deltas():
    second = [r for r in BASE if r[1] != "192.0.2.0/25"][20:] + many_roas(60, seed=7)
    second += [(64496, "192.0.2.0/25", 30), (64511, "198.51.100.0/24", 24)]
    second = list(dict.fromkeys(second))
    aspas2 = [(64496, [64497, 64499]), (65551, [64496]), (70000, [1, 2, 3]), (64500, [5])]
    third = second[:150] + [(64512, "203.0.113.0/24", 24)]
    keys2 = KEYS[3:] + router_keys(2, seed=5)
    with Server(world(BASE, ASPAS, keys=KEYS)) as server:
        old = [open_full(server, v) for v in (0, 1, 2)]
        live = [open_full(server, v) for v in (0, 1, 2)]
        began = time.monotonic()
        change(server, live, (second, aspas2, keys2), "a change")
        # Told moments ago: no second notify within the minute (8.2).
        server.put(world(third, ASPAS, keys=KEYS[1:]))
        wait, n = 4, None		# what comes to the others meanwhile lies in their buffers
        for s in live:
            try:
                n = s.notify_wait(wait)
            except Silent:
                n = None
            tap.ok(n is None or time.monotonic() - began > 60,
                   "v%d: one Serial Notify a minute (8.2)" % s.version, n)
            wait = 0.2
        change(server, live, (third, ASPAS, KEYS[1:]), "a second change", silent=True)
        # `old` skipped one serial: both changes come merged.
        change(server, old, (third, ASPAS, KEYS[1:]), "two changes merged", silent=True)
        change(server, live, (BASE, ASPAS, KEYS), "and back", silent=True)
        with open_full(server, 2) as reference:
            pass
        tap.ok(live[2].state == reference.state, "the follower holds what a fresh router gets")
        for s in old + live:
            s.close()


def case_cancel():
    """A change and its reverse: the stream does not mention it (5.3)."""
    with Server(world(BASE, ASPAS, keys=KEYS)) as server:
        waiting = [open_full(server, v) for v in (0, 1, 2)]
        mover = open_full(server, 2)
        other = BASE[5:] + [(64496, "198.51.100.0/24", 24)]
        for roas, aspas, keys in ((other, ASPAS[1:], KEYS[2:]), (BASE, ASPAS, KEYS)):
            server.put(world(roas, aspas, keys=keys))
            moved = wait_for(lambda: mover.serial_query() is None and mover.payloads, 20, 0.2)
            tap.ok(moved, "the serial moves")
        for s in waiting:
            serial = s.serial
            answer = s.serial_query()
            tap.ok(answer is None and s.payloads == [] and rtr.newer(s.serial, serial),
                   "v%d: changes that cancel out are not mentioned" % s.version,
                   answer or s.payloads[:3])
            tap.none(s.faults, "v%d: cancelled changes keep every rule" % s.version)
            s.close()
        mover.close()


def case_same_file():
    """The same content written again is not a new serial."""
    with Server(world(BASE, ASPAS)) as server:
        with open_full(server, 2) as s:
            server.put(world(list(reversed(BASE)), ASPAS))
            try:
                n = s.notify_wait(4)
                tap.ok(False, "the same payloads in another order are no news", n)
            except Silent:
                tap.ok(s.serial_query() is None and s.payloads == [],
                       "the same payloads in another order are no news")


def case_early_notify():
    """Section 7: no Serial Notify before the version is agreed."""
    with Server(world(BASE, ASPAS)) as server:
        with Session(server.host, server.port, 2) as quiet, open_full(server, 2) as s:
            server.put(world(BASE[3:], ASPAS))
            s.notify_wait(patient(20))
            try:
                p = quiet.pdu_raw(1)
                tap.ok(False, "nothing is sent before the router's first query", p)
            except Silent:
                tap.ok(True, "nothing is sent before the router's first query")


def case_shutdown():
    """Sections 8.5, 8.6: a going cache says so, in version 2's codes only."""
    with Server(world(BASE, ASPAS)) as server:
        live = {v: open_full(server, v) for v in (0, 1, 2)}
        server.process.p.send_signal(signal.SIGTERM)
        for version, s in live.items():
            try:
                p = s.pdu(patient(5))
                good = p.type == rtr.ERROR and p.code in ((rtr.RESTART, rtr.SHUTDOWN)
                                                          if version == 2 else rtr.CODES[version])
                tap.ok(good, "v%d: the cache says that it goes" % version, p)
            except Closed:
                tap.ok(version < 2, "v%d: the cache closes" % version, "no Cache Restart/Shutdown")
            except Silent:
                tap.ok(False, "v%d: the cache goes" % version, "silence")
            tap.none(s.faults, "v%d: its last words are sound" % version)
            s.close()
        server.process.p.wait(patient(10))


def case_odd_worlds():
    same = [KEYS[0]] * 3 + [KEYS[1]]
    twice = [(64496, "192.0.2.0/24", 24)] * 3 + [(64496, "2001:db8::/32", 32)] * 2
    with Server(world(twice, [(64496, [64499, 64497]), (64496, [64498, 64497]),
                              (64500, [0]), (64500, [7]), (64501, [0]), (64501, [0])],
                      keys=same)) as server:
        with open_full(server, 2) as s:
            tap.equal(s.state.vrp_texts(), set(twice), "a VRP that comes twice is sent once (5.6)")
            tap.ok(s.state.keys == key_set(same, 2), "and so is a router key (5.10)")
            tap.equal(s.state.aspas, {64496: (64497, 64498, 64499), 64500: (7,), 64501: (0,)},
                      "ASPAs of a customer are one union, AS 0 only alone (5.12)")
            tap.none(s.faults, "a world with doubles keeps every rule")
    with Server(world([])) as server:
        with Session(server.host, server.port, 2) as s:
            answer = s.reset()
            tap.ok((answer is None and not s.state.vrps) or
                   (answer is not None and answer.type == rtr.ERROR and answer.code == rtr.NO_DATA),
                   "an empty world: nothing, or No Data Available", answer)
            tap.none(s.faults, "an empty world keeps every rule")
    mixed = world([(64496, "192.0.2.0/24", 24)])
    mixed["roas"].append({"asn": 64497, "prefix": "198.51.100.0/24", "maxLength": 24,
                          "ta": "lab", "expires": int(time.time()) - 60})
    with Server(mixed) as server:
        with open_full(server, 2) as s:
            tap.equal(s.state.vrp_texts(), {(64496, "192.0.2.0/24", 24)},
                      "what has expired is not served")


def case_expiry():
    """A payload that expires while it is served is withdrawn in time."""
    for seconds in (4, 16, 64):		# a busy machine may take longer than that to begin
        if expiring(int(time.time()) + seconds, seconds == 64):
            break


def expiring(at, last):
    """False: it was not seen before it expired."""
    content = world([(64496, "192.0.2.0/24", 24)])
    content["roas"].append({"asn": 64497, "prefix": "198.51.100.0/24", "maxLength": 24,
                            "ta": "lab", "expires": at})
    content["bgpsec_keys"] = world([], keys=KEYS[:2])["bgpsec_keys"]
    content["bgpsec_keys"][0]["expires"] = at
    with Server(content) as server:
        with open_full(server, 2) as s:
            if time.time() > at - 1 and not last:
                return False
            tap.equal((len(s.state.vrps), len(s.state.keys)), (2, 2), "served until it expires")
            time.sleep(max(0.0, at - time.time()))

            def gone():
                if s.serial_query() is not None:
                    s.reset()
                return s.state.vrp_texts() == {(64496, "192.0.2.0/24", 24)}
            tap.ok(wait_for(gone, 1.5), "and not a second or two longer", s.state.vrp_texts())
            tap.ok(s.state.keys == key_set(KEYS[1:2], 2), "nor is a router key")
            tap.none(s.faults, "expiry keeps every rule")
    return True


def case_options():
    """Timers from the command line; an older cache negotiates for itself."""
    with Server(world(BASE, ASPAS), ["--refresh", "77", "--retry", "55", "--expire", "999"]) as server:
        for version in (1, 2):
            with open_full(server, version) as s:
                tap.equal(s.timers, (77, 55, 999), "v%d: timers as they were asked for" % version)
                tap.none(s.faults, "v%d: and within the ranges" % version)
    for highest in (0, 1):
        with Server(world(BASE, ASPAS), ["--max-version", str(highest)]) as server:
            with Session(server.host, server.port, 2) as s:
                s.send(rtr.query_reset(2))
                p = s.pdu()
                tap.ok(p.type == rtr.ERROR and p.code == rtr.BAD_VERSION and p.version == highest,
                       "a cache of version %d answers version 2 with its own (7)" % highest, p)
                s.version = highest
                tap.ok(s.reset() is None and not s.faults and s.state.vrp_texts() == texts(BASE),
                       "and serves version %d" % highest, s.faults)
    for options in (["--expire", "599"], ["--expire", "172801"], ["--refresh", "0"],
                    ["--refresh", "86401"], ["--retry", "7201"], ["--expire", "600",
                                                                  "--refresh", "600"]):
        r = peers.run([peers.sekisho(), "rtr", "serve", "--vrps", os.devnull,
                       "--listen", "127.0.0.1:0"] + options, seconds=10)
        tap.equal(r.status, 2, "timers that section 6 forbids are a usage error: " +
                  " ".join(options))


def case_real():
    """The whole of the real world: every rule on each of 723,621 PDUs."""
    folder = os.path.join(peers.DATA, "rpki", "vrps")
    if not os.path.isdir(folder):
        tap.skip("the real VRPs", "../shared/data/rpki/vrps is absent")
        return
    with bz2.open(os.path.join(folder, sorted(os.listdir(folder))[0]), "rt") as f:
        content = json.load(f)
    for item in content["roas"] + content["aspas"]:
        item["expires"] = NEVER		# they are of July 2025
    want = {(r["asn"], r["prefix"], r["maxLength"]) for r in content["roas"]}
    with Server(content, seconds=60) as server:
        with Session(server.host, server.port, 2, seconds=patient(60)) as s:
            answer = s.reset()
            tap.ok(answer is None and s.state.vrp_texts() == want, "the real VRPs, all %d"
                   % len(want), answer or len(s.state.vrps))
            tap.equal(s.state.aspas, {a["customer_asid"]: tuple(sorted(a["providers"]))
                                      for a in content["aspas"]}, "the real ASPAs")
            tap.none(s.faults, "the real world keeps every rule")
            content["roas"] = content["roas"][1000:]
            server.put(content)
            s.notify_wait(patient(60))
            answer = s.serial_query()
            gone = {(r["asn"], r["prefix"], r["maxLength"]) for r in content["roas"]}
            tap.ok(answer is None and s.state.vrp_texts() == gone and
                   len(s.payloads) == len(want) - len(gone), "a small change is a small delta",
                   answer or len(s.payloads))
            tap.none(s.faults, "and keeps every rule")


def main():
    if not os.path.exists(peers.sekisho()):
        tap.skip("rtr", "sekisho is not built")
        return tap.done()
    with Server(world(BASE, ASPAS, keys=KEYS)) as server:
        for version in (0, 1, 2):
            tap.case(case_full, server, version)
        for case in (case_sessions, case_negotiation, case_version_change, case_serials,
                     case_broken, case_quoted, case_error_silence, case_tolerance, case_slow):
            tap.case(case, server)
        tap.ok(server.process.alive(), "the server outlived all of it")
    for case in (case_deltas, case_cancel, case_same_file, case_early_notify, case_shutdown,
                 case_odd_worlds, case_expiry, case_options, case_real):
        tap.case(case)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
