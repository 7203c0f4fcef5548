"""
A mail server on loopback for one test: it takes mails into a list, and says
what the test wants it to say.
"""
import email
import email.policy
import gzip
import re
import socketserver
import threading
import xml.etree.ElementTree as ET

GOOD = "250 2.0.0 taken"


class Report:
    """A mail that was taken, and the aggregate report in it."""

    def __init__(self, sender, to, octets):
        self.sender, self.to, self.octets = sender, to, octets
        m = email.message_from_bytes(octets, policy=email.policy.default)
        self.message_id, self.subject, self.author = m["Message-ID"], m["Subject"], m["From"]
        part = next(p for p in m.walk() if p.get_filename())
        self.file, self.gz = part.get_filename(), part.get_payload(decode=True)
        self.xml = gzip.decompress(self.gz)
        root = ET.fromstring(re.sub(rb' xmlns="[^"]*"', b"", self.xml))
        self.id = root.findtext("report_metadata/report_id")
        self.begin = int(root.findtext("report_metadata/date_range/begin"))
        self.domain = root.findtext("policy_published/domain")
        self.rows = {r.findtext("row/source_ip"): int(r.findtext("row/count")) for r in root.iter("record")}
        self.count = sum(int(c.text) for c in root.iter("count"))


class Sink:
    """
    say(stage, to) is its word at "hello", "mail", "rcpt" or "data": a reply; None: it hangs until it is closed;
    "": it hangs up. taken(mail) is called after a mail is in the list and before the client hears of it.
    """

    def __init__(self, say=None, taken=None, port=0):
        self.say, self.taken, self.mails, self.asked = say or (lambda stage, to: GOOD), taken, [], []
        self.over = threading.Event()
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                try:
                    outer.talk(self)
                except OSError:
                    pass

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = allow_reuse_address = True
            request_queue_size = 100

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def via(self):
        return "smtp://127.0.0.1:%d" % self.port

    def answer(self, h, stage, to, good):
        """Says its word; False: the talk is over."""
        self.asked.append((stage, to))
        word = self.say(stage, to)
        if word is None:
            self.over.wait()
        if not word:
            return None
        h.wfile.write(((good if word == GOOD else word) + "\r\n").encode())
        return word == GOOD

    def talk(self, h):
        sender = to = ""
        if self.answer(h, "hello", "", "220 sink") is None:
            return
        while line := h.rfile.readline().decode().strip():
            verb = line.split(":")[0].split()[0].upper()
            if verb == "MAIL":
                sender = re.search("<(.*?)>", line)[1]
                if self.answer(h, "mail", sender, "250 sink") is None:
                    return
                continue
            if verb == "RCPT":
                to = re.search("<(.*?)>", line)[1]
                if self.answer(h, "rcpt", to, GOOD) is None:
                    return
                continue
            if verb == "DATA":
                h.wfile.write(b"354 go on\r\n")
                if not self.text(h, sender, to):
                    return
                continue
            h.wfile.write(b"221 bye\r\n" if verb == "QUIT" else b"250 sink\r\n")
            if verb == "QUIT":
                return

    def text(self, h, sender, to):
        lines = []
        while (line := h.rfile.readline()) != b".\r\n":
            if not line:
                return False
            lines.append(line[1:] if line.startswith(b".") else line)
        self.asked.append(("data", to))
        word = self.say("data", to)
        if word == GOOD:
            self.mails.append(Report(sender, to, b"".join(lines)))
            if self.taken:
                self.taken(self.mails[-1])
        if word is None:
            self.over.wait()
        if not word:
            return False
        h.wfile.write((word + "\r\n").encode())
        return True

    def close(self):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()
