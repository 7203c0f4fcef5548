"""C cut into tokens, with what a slip must know of each: function, statement, brackets.

Nothing is parsed that the house's own style does not have: a function's name
stands at the beginning of a line, its body between a { and a } that do, too.
"""

import re

TOKEN = re.compile(r"""
    (?P<space>\s+|/\*.*?\*/|//[^\n]*)
  | (?P<define>\#[ \t]*define[ \t]+\w+(?:\([^)\n]*\))?)
  | (?P<directive>\#(?:\\\n|[^\n])*)
  | (?P<string>"(?:\\.|[^"\\\n])*")
  | (?P<char>'(?:\\.|[^'\\\n])+')
  | (?P<number>(?:0[xX][0-9a-fA-F.]+(?:[pP][0-9]+)?|\.?[0-9][0-9.]*)[uUlL]*)
  | (?P<name>[A-Za-z_]\w*)
  | (?P<punct><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|.)
""", re.X | re.S)

WORDS = {"if", "for", "while", "do", "else", "return", "switch", "case", "break", "continue",
         "sizeof", "default", "goto"}
TYPES = re.compile(r"(?:const|static|struct|enum|union|unsigned|signed|int|char|void|bool|double"
                   r"|float|long|short|size_t|u?int\d+_t|__m(?:128|256|512)[id]?|__mmask\d+|vec"
                   r"|invert_wide|__int128|BIGNUM|BN_\w+|EC_\w+|SHA\w*_CTX|_Alignas|alignas|_cleanup_"
                   r"|__extension__|__attribute__|inline|_Thread_local|atomic_uint)$")
OPEN, CLOSE = {"(": ")", "[": "]", "{": "}"}, {")", "]", "}"}


class Token:
    __slots__ = ("kind", "text", "at", "pair", "func", "define", "decl", "first", "outer")

    def __init__(self, kind, text, at):
        self.kind, self.text, self.at = kind, text, at
        self.pair = None	# index of the other bracket
        self.func = None	# the function that it stands in
        self.define = None	# or the macro whose body it is in
        self.decl = False	# in a declaration, left of its "="
        self.first = False	# begins a statement
        self.outer = None	# index of the innermost open bracket

    def __repr__(self):
        return self.text


def cut(text):
    """Tokens without blanks, comments and directives; bodies of #define stay."""
    out, macro = [], None
    for m in TOKEN.finditer(text):
        kind, s = m.lastgroup, m.group()
        if kind == "define":
            macro = re.search(r"define[ \t]+(\w+)", s).group(1)
        elif kind == "space":
            if "\n" in s.replace("\\\n", "") and not text[:m.start()].endswith("\\"):
                macro = None
        elif kind != "directive" and not (macro and s == "\\"):
            t = Token(kind, s, m.start())
            t.define = macro
            out.append(t)
    return out


def pairs_set(tokens):
    stack = []
    for i, t in enumerate(tokens):
        t.outer = stack[-1] if stack else None
        if t.kind != "punct":
            continue
        if t.text in OPEN:
            stack.append(i)
        elif t.text in CLOSE and stack and OPEN[tokens[stack[-1]].text] == t.text:
            j = stack.pop()
            t.pair, tokens[j].pair = j, i
            t.outer = stack[-1] if stack else None


def line_start(text, at):
    return text.rfind("\n", 0, at) + 1


def functions_set(text, tokens):
    """A body is a { at the beginning of a line behind a name that is there, too."""
    for i, t in enumerate(tokens):
        if t.text != "{" or line_start(text, t.at) != t.at or t.pair is None:
            continue
        name = next((u.text for u, v in zip(reversed(tokens[:i]), [t] + tokens[i - 1:0:-1])
                     if u.kind == "name" and v.text == "(" and line_start(text, u.at) == u.at), None)
        for u in tokens[i:t.pair]:
            u.func = name


def statements_set(tokens):
    """Marks where statements begin, and the left sides of declarations."""
    for i, t in enumerate(tokens):
        before = tokens[i - 1] if i else None
        if t.func is None or before is None:
            continue
        header = before.text == ")" and before.pair and tokens[before.pair - 1].text in (
            "if", "for", "while", "_Pragma")
        in_block = t.outer is not None and tokens[t.outer].text == "{"
        opens = before.text == "{" and block_of(tokens, i - 1)
        t.first = in_block and t.text != "}" and (
            before.text in (";", "}", "else", "do") or opens or bool(header))
    for i, t in enumerate(tokens):
        at_head = t.func is None or t.first or (t.outer is not None and i - 1 == t.outer and i > 1 and
                                                tokens[i - 2].text == "for")
        if at_head and is_type(tokens, i):
            declaration_mark(tokens, i)


def block_of(tokens, i):
    """Is this { a block's, rather than an initializer's?"""
    before = tokens[i - 1]
    return before.text in (")", ";", "{", "}", "else", "do") and not (
        before.text == ")" and is_cast(tokens, before.pair))


def is_type(tokens, i):
    return tokens[i].kind == "name" and TYPES.match(tokens[i].text) is not None


def is_cast(tokens, i):
    """A ( that holds a type's name and nothing else."""
    if tokens[i].text != "(" or tokens[i].pair is None or not is_type(tokens, i + 1):
        return False
    if i and tokens[i - 1].kind == "name" and tokens[i - 1].text not in ("return", "case"):
        return False
    inner = tokens[i + 1:tokens[i].pair]
    return all(t.kind == "name" or t.text in "*[]" or t.kind == "number" for t in inner)


def declaration_mark(tokens, i):
    """All of a declaration but its initializers."""
    depth, left = tokens[i].outer, True
    while i < len(tokens) and tokens[i].text != ";":
        t = tokens[i]
        if t.outer == depth and t.text == "=":
            left = False
        elif t.outer == depth and t.text == ",":
            left = True
        if t.outer is not None and depth is not None and t.outer < depth:
            return
        t.decl = left
        if t.text == "{" and left:
            return
        i = t.pair if not left and t.text in OPEN and t.pair else i + 1


def read(text):
    tokens = cut(text)
    pairs_set(tokens)
    functions_set(text, tokens)
    statements_set(tokens)
    return tokens
