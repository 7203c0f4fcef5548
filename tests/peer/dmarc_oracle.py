"""DMARC from the text of the RFCs alone, slowly and plainly: what src/mail/dmarc*.c is held to.

RFC 9989 (records, tree walk, policy, alignment) and RFC 7489 with a list of public suffixes.
Nothing of the C code was looked at for this; where the text leaves a choice, the choice is
said here with CHOICE, and is the one that mail/dmarc.h argues for.
"""
import re

TEMP = "temporary failure"
LEVELS = ["none", "quarantine", "reject"]


class Dns:
    """Names in lower case without a final dot."""

    def __init__(self):
        self.txt, self.a, self.mx, self.failing = {}, set(), set(), set()

    def names(self):
        return set(self.txt) | self.a | self.mx | self.failing

    def exists(self, name):
        return any(n == name or n.endswith("." + name) for n in self.names())

    def get_txt(self, name):
        """TEMP, or a list that may be empty."""
        if name in self.txt:
            return self.txt[name]
        return TEMP if name in self.failing else []

    def rcode(self, name, kind):
        """found, nodata, nxdomain or TEMP for a question of type A, AAAA or MX."""
        have = {"A": self.a, "MX": self.mx, "AAAA": set()}[kind]
        if name in have:
            return "found"
        if name in self.failing:
            return TEMP
        return "nodata" if self.exists(name) else "nxdomain"


# --- the record: RFC 9989 sections 4.7, 4.8 ---

VERSION = re.compile(rb"[vV][ \t]*=[ \t]*DMARC1[ \t]*(;|\Z)")
TAG = re.compile(rb"[ \t]*([^= \t]+)[ \t]*=[ \t]*([\x20-\x3a\x3c-\x7e]*[\x21-\x3a\x3c-\x7e])[ \t]*\Z")
VALUES = {"p": LEVELS, "sp": LEVELS, "np": LEVELS, "psd": ["y", "n", "u"], "t": ["y", "n"],
          "adkim": ["r", "s"], "aspf": ["r", "s"]}
URI = re.compile(rb"([A-Za-z][A-Za-z0-9+.-]*):((?:[A-Za-z0-9._~:/?#\[\]@$&'()*+=-]|%[0-9A-Fa-f]{2})*)\Z")
SIZE = re.compile(rb"![0-9]{1,19}[kmgtKMGT]?\Z")
MAILBOX = re.compile(rb"(?!-)([A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*)@"
                     rb"((?:[A-Za-z0-9_-]{1,63})(?:\.[A-Za-z0-9_-]{1,63})*)\.?\Z")


def uri_is_valid(raw):
    raw = SIZE.sub(b"", raw.strip(b" \t"))
    m = URI.match(raw)
    if not m:
        return False
    if m.group(1).lower() != b"mailto":
        return True
    path = m.group(2).split(b"?")[0]
    path = re.sub(rb"%([0-9A-Fa-f]{2})", lambda h: bytes([int(h.group(1), 16)]), path)
    return bool(MAILBOX.match(path))        # CHOICE: an address that needs quotes is not valid


class Record:
    def __init__(self, text):
        """text: octets that begin with the version."""
        self.tags, self.bad = {}, set()
        seen = {}
        parts = text.split(b";")[1:]
        for part in parts:
            m = TAG.match(part)
            if m:
                seen.setdefault(m.group(1).decode("latin-1"), []).append(m.group(2).decode("latin-1"))
                continue
            name = part.split(b"=")[0].strip(b" \t").decode("latin-1")
            if name in ("p", "sp", "np"):   # there, and not valid
                self.bad.add(name)
        for name, values in seen.items():
            if len(values) > 1:             # CHOICE: said twice is not said
                if name in ("p", "sp", "np"):
                    self.bad.add(name)
            elif name in VALUES:
                if values[0].lower() in VALUES[name]:
                    self.tags[name] = values[0].lower()
                elif name in ("p", "sp", "np"):
                    self.bad.add(name)
            elif name in ("rua", "ruf"):
                self.tags[name] = values[0]
        self.has_uri = any(uri_is_valid(u) for u in self.uris()[:10])

    def uris(self):
        return self.tags.get("rua", "").encode("latin-1").split(b",")

    def get(self, name, default):
        return self.tags.get(name, default)

    def policy(self, want, legacy):
        """(tag, policy), or None: "applies no DMARC processing"."""
        bad = self.bad - ({"np"} if legacy else set())
        if bad or "p" not in self.tags:
            return ("p", "none") if self.has_uri else None
        order = {"p": ["p"], "sp": ["sp", "p"], "np": ["np", "sp", "p"]}[want]
        for tag in order:
            if tag in self.tags and tag not in self.bad:
                return tag, self.tags[tag]
        raise AssertionError


def records_at(dns, domain):
    """TEMP or the DMARC records at _dmarc.domain."""
    found = dns.get_txt("_dmarc." + domain)
    if found is TEMP:
        return TEMP
    return [Record(t) for t in found if VERSION.match(t)]


# --- the walk: section 4.10 ---

def targets(domain):
    labels = domain.split(".")
    out = [domain]
    rest = labels[1:] if len(labels) < 8 else labels[-7:]
    while rest:
        out.append(".".join(rest))
        rest = rest[1:]
    return out


def walk(dns, domain):
    """[(domain, its record)], and whether it came to its end."""
    found = []
    for target in targets(domain):
        records = records_at(dns, target)
        if records is TEMP:
            return found, False
        if len(records) == 1:
            found.append((target, records[0]))
            if records[0].get("psd", "u") in "yn":
                break
    return found, True


def organizational(dns, domain):
    """Section 4.10.2; None where a failure keeps it unknown."""
    found, complete = walk(dns, domain)
    if not complete:
        return None
    for where, record in found:
        psd = record.get("psd", "u")
        if psd == "n":
            return where
        if psd == "y" and where != domain:
            return ".".join(domain.split(".")[-where.count(".") - 2:])
    return found[-1][0] if found else domain


def policy_record(dns, domain):
    """Section 4.10.1: (where, record), None, or TEMP."""
    own = records_at(dns, domain)
    if own is TEMP:
        return TEMP
    if len(own) == 1:
        return domain, own[0]
    found, complete = walk(dns, domain)
    if not complete:
        return TEMP
    org = organizational(dns, domain)
    for where, record in found:
        if where == org:
            return where, record
    for where, record in found:
        if record.get("psd", "u") == "y":
            return where, record
    return None


# --- RFC 7489 ---

def registrable(rules, domain):
    """Section 3.2, by publicsuffix.org's algorithm; the domain itself where it is a suffix."""
    labels = domain.split(".")
    n = 1
    for i in range(len(labels)):
        name, rest = ".".join(labels[i:]), ".".join(labels[i + 1:])
        if "!" + name in rules:
            n = len(labels) - i - 1
            break
        if name in rules or (rest and "*." + rest in rules):
            n = max(n, len(labels) - i)
    return domain if n >= len(labels) else ".".join(labels[-n - 1:])


def legacy_record(dns, rules, domain):
    """Section 6.6.3."""
    for where in (domain, registrable(rules, domain)):
        records = records_at(dns, where)
        if records is TEMP:
            return TEMP
        if len(records) > 1:
            return None
        if records:
            return where, records[0]
    return None


# --- one author's domain, one standard ---

def tails(domain):
    labels = domain.split(".")
    return {".".join(labels[i:]) for i in range(len(labels))}


def relaxed(org_a, a, org_b, b):
    """True, False, or None where what is unknown decides. An organizational domain is a tail."""
    could_a = {org_a} if org_a else tails(a)
    could_b = {org_b} if org_b else tails(b)
    if not could_a & could_b:
        return False
    return True if org_a and org_b else None


def judge(dns, author, spf, dkim, rules=None):
    """rules: RFC 7489. (result, disposition, org, where, tag, policy, spf, dkim)"""
    legacy = rules is not None
    org_of = (lambda d: registrable(rules, d)) if legacy else (lambda d: organizational(dns, d))
    org = org_of(author)
    at = legacy_record(dns, rules, author) if legacy else policy_record(dns, author)
    if at is TEMP or at is None:
        return ("temperror" if at is TEMP else "none", "none", org, None, None, None, False, False)
    where, record = at

    want, known = "p", True
    if where != author:
        want = "sp"
        if "np" in record.tags or "np" in record.bad:
            codes = [dns.rcode(author, t) for t in (["A", "AAAA", "MX"] if legacy else ["A"])]
            good = ["found"] if legacy else ["found", "nodata"]
            if any(c in good for c in codes):
                pass
            elif TEMP in codes:
                known = False
            else:
                want = "np"
    chosen = record.policy(want, legacy)
    if chosen is None:
        return ("none", "none", org, None, None, None, False, False)
    if not known and record.policy("np", legacy)[1] == chosen[1]:
        known = True

    def aligned(name, strict):
        if name == author:
            return True
        if strict:
            return False
        return relaxed(org, author, org_of(name), name)

    by_spf = [aligned(n, record.get("aspf", "r") == "s") for n in spf]
    by_dkim = [aligned(n, record.get("adkim", "r") == "s") for n in dkim]
    if True in by_spf + by_dkim:
        result = "pass"
    elif None in by_spf + by_dkim or not known:
        result = "temperror"
    else:
        result = "fail"
    asked = "none"
    if result == "fail":
        asked = chosen[1]
        if not legacy and record.get("t", "n") == "y" and asked != "none":
            asked = LEVELS[LEVELS.index(asked) - 1]
    return (result, asked, org, where, chosen[0], chosen[1], True in by_spf, True in by_dkim)


RANK = {"pass": 0, "none": 1, "temperror": 2, "fail": 3}


def check(dns, authors, spf, dkim, rules=None):
    """Section 11.5: "apply the most strict policy selected among the checks that fail"."""
    different = list(dict.fromkeys(authors))
    if not 1 <= len(different) <= 4:
        return ("permerror", "none", None, None, None, None, False, False)
    best = None
    for author in different:
        got = judge(dns, author, spf, dkim, rules)
        key = (RANK[got[0]], LEVELS.index(got[1]))
        if best is None or key > best[0]:
            best = (key, got)
    return best[1]
