"""What tools and lints read out of C: strings, findings.def rows, msgids."""

import ast
import os
import re

STRING = r'"(?:\\.|[^"\\\n])*"'
COMMENT_OR_STRING = re.compile(r"/\*.*?\*/|//[^\n]*|" + STRING + r"|'(?:\\.|[^'\\\n])+'", re.S)
LITERALS = r"((?:" + STRING + r"\s*)+)"
COLUMNS = ("clause", "text", "remedy", "by_hand", "good", "bad")
MSGID_COLUMNS = ("text", "remedy", "good", "bad")


def root():
    return os.environ.get("SEKISHO_SRC") or os.path.normpath(
        os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))


def read(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as f:
        return f.read()


def unquote(literals):
    """The value of adjacent C string literals."""
    parts = []
    for lit in re.findall(STRING, literals):
        lit = lit.replace("\\?", "?")
        raw = ast.literal_eval("b" + re.sub(r"[^\x00-\x7f]",
                               lambda m: "".join(f"\\x{b:02x}" for b in m.group().encode()), lit))
        parts.append(raw)
    return b"".join(parts).decode("utf-8", "replace")


def strip(text, strings=True):
    """Without comments and, if asked, without what strings hold; lines stay."""
    def sub(m):
        s = m.group()
        if s[0] == "/":
            return "\n" * s.count("\n") or " "
        return s if not strings or s[0] == "'" else '""'
    return COMMENT_OR_STRING.sub(sub, text)


def line_of(text, pos):
    return text.count("\n", 0, pos) + 1


def findings(path):
    """The rows of one findings.def as dicts, in their order."""
    text = strip(read(path), strings=False)
    row = re.compile(r"^F\(\s*(\w+)\s*,\s*(\w+)\s*,\s*" + r",\s*".join([LITERALS] * 6) + r"\)", re.M)
    out = []
    for m in row.finditer(text):
        r = {"code": m.group(1), "severity": m.group(2), "file": path,
             "line": line_of(text, m.start())}
        r.update(zip(COLUMNS, (unquote(g) for g in m.groups()[2:])))
        out.append(r)
    if len(out) != len(re.findall(r"^F\(", text, re.M)):
        raise ValueError(f"{path}: a row has not the form F(CODE, SEVERITY, six strings)")
    return out


def all_findings():
    out = []
    for folder in sorted(os.listdir(os.path.join(root(), "src"))):
        path = os.path.join(root(), "src", folder)
        for name in sorted(os.listdir(path)) if os.path.isdir(path) else ():
            if name.endswith("findings.def"):
                out += findings(os.path.join(path, name))
    return out


def sources(*suffixes, under="src"):
    """Paths below the root, relative to it, sorted."""
    out = []
    for folder, dirs, files in os.walk(os.path.join(root(), under)):
        dirs[:] = sorted(d for d in dirs if d != "__pycache__")
        out += [os.path.relpath(os.path.join(folder, f), root())
                for f in sorted(files) if f.endswith(suffixes)]
    return out


def marked(path, text=None):
    """[(msgid, line)] of N_("…") in one file."""
    text = strip(text if text is not None else read(path), strings=False)
    return [(unquote(m.group(1)), line_of(text, m.start()))
            for m in re.finditer(r"\bN_\(\s*" + LITERALS + r"\)", text)]
