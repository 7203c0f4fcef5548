"""
A load of labelled messages for tests that break what they go through: clients
that try again as a real one does, and an account of what became of each.

    load = Load(world, nodes, seed)     # the lab's flows, and mail of our own
    load.start(); …; load.stop()        # from here on all that was begun is brought to its end
    load.account(t, rows)               # nothing lost, nothing twice

A message is known by its field X-Fault, and by its recipient, who has the same
number: so it is found in the mailbox, and in Postfix's log by its queue ids.
"""
import collections
import glob
import json
import os
import random
import re
import smtplib
import threading
import time

from patience import patient

OWN = {"label": "own", "client": "198.51.100.1", "helo": "mx.gate.example", "sender": "bob@gate.example", "weight": 20}
OWN_TEXT = b"From: Bob <bob@gate.example>\r\nTo: a@elsewhere.example\r\nSubject: ours\r\n" \
    b"Date: Mon, 23 Nov 2026 07:00:00 +0000\r\nMessage-ID: <own-%d@gate.example>\r\n\r\nGood day.\r\n"
AGAIN_SEC, PAUSE_SEC = 0.15, 0.03	# after a deferral; between messages of one client
REFUSAL = re.compile(r" ([0-9A-Za-z]+): milter-reject: END-OF-MESSAGE from [^;]*: ([45])\.\d+\.\d+ .*; from=<[^>]*> to=<m(\d+)@")


class Message:
    def __init__(self, number, flow, node):
        self.number, self.flow, self.node = number, flow, node
        self.code = self.id = self.said = None
        self.tries = 0


class Load:
    def __init__(self, world, nodes, seed, clients=3):
        with open(os.path.join(world, "flows.json"), encoding="utf-8") as f:
            self.flows = json.load(f)["flows"]
        for f in self.flows:
            with open(os.path.join(world, f["file"]), "rb") as text:
                f["text"] = text.read()
        self.flows.append(OWN)
        self.nodes, self.rng, self.lock = nodes, random.Random(seed), threading.Lock()
        self.messages, self.deferred, self.ending = [], 0, threading.Event()
        self.threads = [threading.Thread(target=self.client, args=(n,), daemon=True) for n in nodes for _ in range(clients)]

    def start(self):
        for x in self.threads:
            x.start()

    def stop(self):
        """True: all that was begun has an answer that is final."""
        self.ending.set()
        end = time.monotonic() + patient(30)
        for x in self.threads:
            x.join(max(0, end - time.monotonic()))
        return not any(x.is_alive() for x in self.threads)

    def final(self, node=None):
        return sum(m.code is not None for m in self.messages if node is None or m.node is node)

    # --- a client ---

    def next(self, node):
        with self.lock:
            flow = self.rng.choices(self.flows, [f["weight"] for f in self.flows])[0]
            self.messages.append(Message(len(self.messages), flow, node))
            return self.messages[-1]

    def client(self, node):
        while not self.ending.is_set():
            m = self.next(node)
            while m.code is None:
                self.attempt(m)
                time.sleep(PAUSE_SEC if m.code else AGAIN_SEC)

    def attempt(self, m):
        text = m.flow.get("text") or OWN_TEXT % m.number
        client = ("IPV6:" if ":" in m.flow["client"] else "") + m.flow["client"]
        m.tries += 1
        try:
            code, said = m.node.postfix.send(m.flow["sender"], ["m%d@local.test" % m.number],
                                             b"X-Fault: %d\r\n" % m.number + text, client=client, helo=m.flow["helo"])
        except (OSError, smtplib.SMTPException) as e:
            code, said = 421, repr(e)
        if code == 250:
            m.id = said.rsplit(" ", 1)[-1].strip()
        if code // 100 in (2, 5):
            m.code, m.said = code, said
        else:
            self.deferred += 1

    # --- the account ---

    def account(self, t, rows, n_lost=0):
        """n_lost: rows that the milter said it could not keep."""
        sent = {m.number: m for m in self.messages}
        ids = {}	# (node, queue id): message; of verdicts that the client has heard
        for m in self.messages:
            if m.code == 250:
                ids[m.node.name, m.id] = m
        deferred = self.refusals(t, sent, ids)
        self.delivered(t, ids, rows)
        self.noted(t, ids, deferred, rows, n_lost)

    def refusals(self, t, sent, ids):
        """Puts what was refused for good into ids; the ids of what Postfix asked for again."""
        deferred, refused = set(), collections.Counter()
        for node in self.nodes:
            for line in node.postfix.log().splitlines():
                found = REFUSAL.search(line)
                if not found:
                    continue
                where, number = (node.name, found.group(1)), int(found.group(3))
                if found.group(2) == "4":
                    deferred.add(where)
                else:
                    ids[where] = sent[number]
                    refused[number] += 1
        want = {m.number: 1 for m in self.messages if m.code // 100 == 5}
        t.equal(dict(refused), want, "each refusal is one, and the client has heard it")
        bad = [(m.flow["label"], m.code, m.said) for m in self.messages
               if (m.code == 250) == m.flow.get("expect", {"refused": False})["refused"]]
        t.none(bad, "each message is let in or refused as its flow is described")
        return deferred

    def delivered(self, t, ids, rows):
        """What was accepted is in the mailbox or held, once."""
        done = {(r["node"], r["id"]): r["disposition"] for r in rows}
        faults, n_held = [], 0
        for node in self.nodes:
            held = {os.path.basename(p) for p in glob.glob(os.path.join(node.postfix.folder, "queue", "hold", "**"), recursive=True)}
            want = collections.Counter(m.number for (name, queue_id), m in ids.items()
                                       if m.code == 250 and name == node.name and queue_id not in held)
            n_held += len(held & {queue_id for _, queue_id in ids})
            got, unsigned = node.delivered()
            faults += ["%s: message %d: %d times, not %d" % (node.name, k, got[k], want[k]) for k in set(got) | set(want) if got[k] != want[k]]
            faults += ["%s: message %d is ours and not signed" % (node.name, k) for k in unsigned]
            faults += ["%s: %s: %s by its row, and not by Postfix" % (x + (done[x],)) for x in ids if x[0] == node.name
                       and ids[x].code == 250 and x in done and (done[x] == "quarantine") != (x[1] in held)]
        t.none(faults, "what was accepted is in the mailbox once, or held where the row says so (%d held)" % n_held)

    def noted(self, t, ids, deferred, rows, n_lost):
        """A row for each verdict, one; and what it says."""
        want = {x for x, m in ids.items() if m.flow is not OWN and m.flow["expect"]["dmarc"] != "permerror"}
        got = collections.Counter((r["node"], r["id"]) for r in rows)
        missing = ["%s %s: %s" % (x + (ids[x].flow["label"],)) for x in want if x not in got]
        t.ok(len(missing) == n_lost, "%s row is lost (%d)" % (n_lost or "no", len(want)), missing[:8])
        t.none(["%s %s: %d" % (x + (n,)) for x, n in got.items() if n > 1], "none is there twice")
        more = set(got) - want
        t.none(sorted(more - deferred), "and none of what nobody has heard of")
        t.diag("%d messages, %d attempts deferred, %d rows; %d of them of verdicts that never reached Postfix"
               % (len(self.messages), self.deferred, len(rows), len(more)))
        faults, unanswered = [], 0
        for r in rows:
            m = ids.get((r["node"], r["id"]))
            if m is None or m.flow is OWN:
                continue
            e = m.flow["expect"]
            label = (e["policy"] or "", m.flow["client"], "dkim" in e["aligned"], "spf" in e["aligned"])
            if label == (r["policy"], r["source"], r["dkim"], r["spf"]):
                continue
            if "temperror" in [s["result"] for s in r["signatures"]] + [r["spf_result"]]:
                unanswered += 1		# what the DNS did not say cannot be told
            else:
                faults.append((m.flow["label"], label, r))
        t.none(faults, "each row is that of its flow (%d but for what the DNS did not answer)" % unanswered)
