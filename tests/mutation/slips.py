"""The slips: what a hand may get wrong in arithmetic, one at a time, by rules over tokens.

Each rule is a generator of (at, length, new text) for one token of a file; its
docstring names the slip. What it makes need not compile: that is seen later.
"""

import re
import zlib

import ctokens

CALLS = [	# of instructions and of functions: one for the other
    (r"madd52lo", "madd52hi"), (r"madd52hi", "madd52lo"),
    (r"unpacklo", "unpackhi"), (r"unpackhi", "unpacklo"),
    (r"(_mm\w*)_add_", r"\1_sub_"), (r"(_mm\w*)_sub_", r"\1_add_"),
    (r"(_mm\w*)_and_", r"\1_or_"), (r"(_mm\w*)_or_", r"\1_xor_"), (r"(_mm\w*)_or_", r"\1_and_"),
    (r"(_mm\w*)_xor_", r"\1_or_"), (r"_slli_", "_srli_"), (r"_srli_", "_slli_"),
    (r"_srai_", "_srli_"), (r"_srli_", "_srai_"), (r"_testn_", "_test_"), (r"_max_", "_min_"),
    (r"cvttpd", "cvtpd"), (r"_mul_pd", "_div_pd"), (r"sha256msg1", "sha256msg2"),
    (r"sha256msg2", "sha256msg1"), (r"^(fe|words|word)_sub$", r"\1_add"),
    (r"^(fe|words|word)_add$", r"\1_sub"), (r"^fe_sub_tight$", "fe_sub"),
    (r"^min_size$", "max_size"), (r"^max_size$", "min_size"), (r"^ZIP_LOW$", "ZIP_HIGH"),
    (r"^ZIP_HIGH$", "ZIP_LOW"), (r"^htobe(\d+)$", r"htole\1"), (r"^vec_rotl$", "vec_rotr"),
    (r"^words_below$", "!words_below"), (r"^word_mac2$", "word_mac2_none"),
    (r"^(true)$", "false"), (r"^(false)$", "true"), (r"^P256_GOOD$", "P256_BAD"),
    (r"^P256_BAD$", "P256_GOOD"), (r"^P256_UNDECIDED$", "P256_BAD"), (r"^lo$", "hi"), (r"^hi$", "lo"),
]
SWAPS = re.compile(r"sub|below|unpack|blend|alignr|ZIP|PICK|div_pd|memcmp|combine|round|shift_mul")
SHIFTS = re.compile(r"_(slli|srli|srai|rol|ror|alignr)|vec_rotl|MM_SHUFFLE")
SIBLINGS = [set(p) for p in ("xy", "uv", "qr", "ab", "de", "fg", "cd")] + [{"lo", "hi"}, {"low", "high"}]
OPERATORS = {"+": "-", "-": "+", "*": "+", "/": "*", "%": "/", "<<": ">>", ">>": "<<", "&": "|",
             "|": "&", "^": "|", "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==",
             "&&": "||", "||": "&&", "+=": "-=", "-=": "+=", "|=": "&=", "&=": "|=", "^=": "|=",
             "<<=": ">>=", ">>=": "<<=", "*=": "+=", "/=": "*="}
ASM = [("adcq", "addq"), ("addq", "adcq"), ("sbbq", "subq"), ("subq", "sbbq"), ("cmovcq", "cmovncq"),
       ("$0", "$1"), ("$-1", "$0")]
ENDS = {";", ",", ")", "]", "}", ":", "?"}


class File:
    """A file's tokens, and where one may slip."""

    def __init__(self, path, text):
        self.path, self.text = path, text
        self.tokens = ctokens.read(text)

    def live(self, i):
        """In a function, the body of a macro, or an initializer of a constant."""
        t = self.tokens[i]
        if t.define is not None:
            return t.define not in ("OPENSSL_SUPPRESS_DEPRECATED",)
        if t.decl:
            return False
        return t.func is not None or self.initializer(i)

    def initializer(self, i):
        """Of a constant outside of functions."""
        t = self.tokens[i]
        while t.outer is not None:
            j = t.outer
            t = self.tokens[j]
            if t.text == "{" and j and self.tokens[j - 1].text == "=":
                return True
        return False

    def binary(self, i):
        """An operator between two operands?"""
        b = self.tokens[i - 1]
        if b.kind == "number" or (b.kind == "name" and b.text not in ctokens.WORDS):
            return True
        if b.text == ")":
            return not ctokens.is_cast(self.tokens, b.pair)
        return b.text == "]"

    def operand_end(self, i):
        """Behind the postfix expression that begins at i; None: it is none."""
        t = self.tokens
        while t[i].text == "(" and ctokens.is_cast(t, i):
            i = t[i].pair + 1
        if t[i].text == "(":
            i = t[i].pair + 1
        elif t[i].kind in ("name", "number"):
            i += 1
        else:
            return None
        while t[i].text in ("(", "[") or t[i].text in (".", "->"):
            i = t[i].pair + 1 if t[i].text in ("(", "[") else i + 2
        return i

    def operand_begin(self, i):
        """The postfix expression that ends before i."""
        t = self.tokens
        while True:
            i -= 1
            while t[i].text in (")", "]"):
                i = t[i].pair - (t[t[i].pair].text == "[" or t[t[i].pair - 1].kind == "name")
                if t[i].text == "(":
                    return i
            if t[i - 1].text not in (".", "->"):
                return i
            i -= 1

    def span(self, i, j):
        """Text of tokens i to j - 1."""
        return self.text[self.tokens[i].at:self.end(j - 1)]

    def end(self, i):
        return self.tokens[i].at + len(self.tokens[i].text)

    def arguments(self, i):
        """(begin, end) of each argument of the call whose ( is i."""
        out, begin, t = [], i + 1, self.tokens
        for j in range(i + 1, t[i].pair + 1):
            if j == t[i].pair or (t[j].text == "," and t[j].outer == i):
                out.append((begin, j))
                begin = j + 1
        return out


def operator(f, i):
    """another operator"""
    t = f.tokens[i]
    if t.kind != "punct" or t.text not in OPERATORS:
        return
    if t.text in "*&-+" and not f.binary(i):
        return
    if t.text == "*" and (f.tokens[i + 1].text in ")*" or f.tokens[i - 1].text in ("const", "*")):
        return
    yield t.at, len(t.text), OPERATORS[t.text]


def unary(f, i):
    """a sign, complement or negation forgotten"""
    t = f.tokens[i]
    if t.text in ("-", "~", "!") and t.kind == "punct" and not f.binary(i):
        yield t.at, len(t.text), ""


def operand_dropped(f, i):
    """an operand (a carry) forgotten"""
    t = f.tokens[i]
    if t.text not in ("+", "-", "|", "&", "^") or not f.binary(i):
        return
    j = f.operand_end(i + 1)
    if j is not None and (f.tokens[j].text in ENDS or f.tokens[j].text == t.text):
        yield t.at, f.end(j - 1) - t.at, ""


def operands_turned(f, i):
    """a subtraction the other way round"""
    t = f.tokens[i]
    if t.text != "-" or not f.binary(i):
        return
    j, b = f.operand_end(i + 1), f.operand_begin(i)
    if j is None or f.tokens[b - 1].text not in ("(", ",", "=", "[", "return", "{"):
        return
    if f.tokens[j].text in ENDS:
        at = f.tokens[b].at
        yield at, f.end(j - 1) - at, f"{f.span(i + 1, j)} - {f.span(b, i)}"


def shift(f, i):
    """a shift by one more or less"""
    t = f.tokens[i]
    if t.text in ("<<", ">>", "<<=", ">>="):
        yield f.end(i), 0, " 1 +"
        yield f.end(i), 0, " -1 +"
    if t.kind == "name" and SHIFTS.search(t.text) and f.tokens[i + 1].text == "(":
        begin, end = f.arguments(i + 1)[-1]
        yield f.end(end - 1), 0, " + 1"
        yield f.end(end - 1), 0, " - 1"


def call(f, i):
    """another function or instruction"""
    t = f.tokens[i]
    if t.kind != "name" or f.tokens[i - 1].text in ("struct", "define"):
        return
    for old, new in CALLS:
        name = re.sub(old, new, t.text)
        if name != t.text and (f.tokens[i + 1].text == "(" or old[0] == "^"):
            yield t.at, len(t.text), name


def arguments_turned(f, i):
    """operands of a call the other way round"""
    t = f.tokens[i]
    if t.kind != "name" or not SWAPS.search(t.text) or f.tokens[i + 1].text != "(":
        return
    args = f.arguments(i + 1)
    if len(args) < 2:
        return
    (a, b), (c, d) = args[-2:]
    yield (f.tokens[a].at, f.end(d - 1) - f.tokens[a].at, f"{f.span(c, d)}, {f.span(a, b)}")
    if len(args) > 3 and "sub2" in t.text:
        (a, b), (c, d) = args[1:3]
        yield (f.tokens[a].at, f.end(d - 1) - f.tokens[a].at, f"{f.span(c, d)}, {f.span(a, b)}")


def bits(n, salt):
    """The lowest bit, the highest, one between; of many numbers in a row one of them."""
    top = n.bit_length() - 1
    return [1, 1 << top, 1 << (1 + salt % max(top - 1, 1))]


def number(f, i):
    """a constant"""
    t = f.tokens[i]
    if t.kind != "number" or "." in t.text:
        return
    salt = zlib.crc32(f"{t.at}".encode())
    digits = t.text.rstrip("uUlL")
    tail = t.text[len(digits):]
    if "p" in digits:
        head, power = digits.split("p")
        yield t.at, len(t.text), f"{head}p{int(power) + 1}"
        yield t.at, len(t.text), f"{head}p{int(power) - 1}"
        return
    if not digits.lower().startswith("0x"):
        n = int(digits)
        yield t.at, len(t.text), f"{n + 1}{tail}"
        if n > 0:
            yield t.at, len(t.text), f"{n - 1}{tail}"
        return
    n = int(digits, 16)
    flips = bits(n, salt)
    if f.tokens[i - 1].text in ",{" and f.tokens[i + 1].text == "," and len(digits) <= 10:
        flips = [flips[salt % 3]]
    for flip in dict.fromkeys(flips):
        yield t.at, len(t.text), f"{n ^ flip:#x}{tail}"


def index(f, i):
    """an index one off"""
    t = f.tokens[i]
    if t.text != "[" or f.tokens[i + 1].text == "]" or not f.binary(i):
        return
    inner = f.span(i + 1, t.pair)
    if inner.isdigit() or f.tokens[i + 1].text == "static":
        return
    plain = all(u.text not in ("?", "&", "|", "<<", ">>") for u in f.tokens[i + 1:t.pair])
    for by in ("+ 1", "- 1"):
        new = f"{inner} {by}" if plain else f"({inner}) {by}"
        yield f.end(i), len(inner), new


def loop(f, i):
    """the first or the last round forgotten"""
    t = f.tokens
    if t[i].text != "for" or t[i + 1].text != "(":
        return
    ends = [j for j in range(i + 1, t[i + 1].pair) if t[j].text == ";" and t[j].outer == i + 1]
    if len(ends) != 2 or ends[0] + 1 == ends[1]:
        return
    name = t[ends[0] + 1]
    if t[ends[0] + 2].text in ("<", "<="):
        yield name.at, 0, "1 + "
    if t[ends[0] - 1].kind == "name" or t[ends[0] - 1].text in ")]":
        yield f.end(ends[0] - 1), 0, " - 1"
        yield f.end(ends[0] - 1), 0, " + 1"


def condition(f, i):
    """a condition the other way round"""
    t = f.tokens
    if t[i].text in ("if", "while") and t[i + 1].text == "(":
        inner = f.span(i + 2, t[i + 1].pair)
        yield f.end(i + 1), len(inner), f"!({inner})"


def choice(f, i):
    """the two sides of a choice"""
    t = f.tokens
    if t[i].text != "?":
        return
    middle = next((j for j in range(i, len(t)) if t[j].text == ":" and t[j].outer == t[i].outer), None)
    if middle is None:
        return
    end = next(j for j in range(middle + 1, len(t))
               if (t[j].text in (";", ",") and t[j].outer == t[i].outer) or j == t[t[i].outer].pair)
    at = t[i + 1].at
    yield at, f.end(end - 1) - at, f"{f.span(middle + 1, end)} : {f.span(i + 1, middle)}"


def statement(f, i):
    """a statement forgotten"""
    t = f.tokens
    if not t[i].first or t[i].decl or t[i].text in ctokens.WORDS - {"break", "continue"}:
        return
    end = next((j for j in range(i, len(t)) if t[j].text == ";" and t[j].outer == t[i].outer), None)
    if end is not None and t[i].text not in ("_Pragma", "{"):
        yield t[i].at, t[end].at - t[i].at, ""


def cast(f, i):
    """a cut to fewer bits forgotten"""
    t = f.tokens
    if t[i].text == "(" and ctokens.is_cast(t, i) and f.span(i + 1, t[i].pair) in (
            "uint32_t", "uint8_t", "__mmask8"):
        yield t[i].at, f.end(t[i].pair) - t[i].at, ""


def sibling(f, i):
    """a variable's or member's neighbour"""
    t = f.tokens[i]
    if t.kind != "name" or t.define is not None or f.tokens[i + 1].text == "(":
        return
    m = re.fullmatch(r"([a-z_]*[a-z])([0-9])", t.text)
    if m:
        for by in (1, -1):
            other = f"{m[1]}{int(m[2]) + by}"
            if any(u.text == other and u.func == t.func for u in f.tokens):
                yield t.at, len(t.text), other
    for pair in SIBLINGS:
        if t.text in pair:
            other, = pair - {t.text}
            if f.tokens[i - 1].text in (".", "->") or any(
                    u.text == other and u.func == t.func for u in f.tokens):
                yield t.at, len(t.text), other


def assembler(f, i):
    """an instruction's carry, a constant or an operand"""
    t = f.tokens[i]
    if t.kind != "string" or not re.search(r"\b(adc|sbb|add|sub|cmov|mov)\w*q", t.text):
        return
    for m in re.finditer(r"(\w+q) (\S+), (\S+?)(?=\\n|\"|$)", t.text):
        for old, new in ASM:
            at = m.group().find(old)
            if at >= 0:
                yield t.at + m.start() + at, len(old), new
        n = re.fullmatch(r"%(\d+)", m[2])
        if n:
            yield t.at + m.start(2), len(m[2]), f"%{int(n[1]) - 1}"


RULES = [operator, unary, operand_dropped, operands_turned, shift, call, arguments_turned, number,
         index, loop, condition, choice, statement, cast, sibling, assembler]


class Slip:
    """One slip in one file; what it is called does not change with the lines above it."""

    def __init__(self, f, i, rule, at, length, new):
        self.path, self.rule, self.at, self.length, self.new = f.path, rule.__name__, at, length, new
        t = f.tokens[i]
        self.where = t.func or t.define or "-"
        self.number = f.text.count("\n", 0, at) + 1
        begin = ctokens.line_start(f.text, at)
        text = f.text[:at] + new + f.text[at + length:]
        end = text.find("\n", at + len(new))
        self.line = " ".join(text[begin:end].split())
        self.before = " ".join(f.text[begin:f.text.find("\n", at + length)].split())
        self.nth = 1

    @property
    def name(self):
        nth = f" #{self.nth}" if self.nth > 1 else ""
        return f"{self.path}: {self.where}{nth}: {self.line}"

    def apply(self, text):
        return text[:self.at] + self.new + text[self.at + self.length:]


def slips(path, text):
    """All of a file, in its order."""
    f, out, seen, texts = File(path, text), [], {}, set()
    for i in range(1, len(f.tokens) - 1):
        if not f.live(i):
            continue
        for rule in RULES:
            for at, length, new in rule(f, i):
                s = Slip(f, i, rule, at, length, new)
                if (at, length, new) in texts:
                    continue
                texts.add((at, length, new))
                key = (s.where, s.line)
                seen[key] = s.nth = seen.get(key, 0) + 1
                out.append(s)
    return out
