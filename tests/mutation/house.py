"""A copy of the tree in which slips are made, and what is compiled and run of it.

One house is one thread's. It takes the libraries of an ordinary build, and
compiles again what includes the file with the slip: that stands before the
libraries when a test is linked, so that the rest of them stays as it was.
"""

import json
import os
import platform
import re
import resource
import shlex
import shutil
import subprocess
import time

MEMORY = 4 << 30		# octets that a test may ask for
SECONDS = 5			# of processor time that a test has more than it needs
LIBRARY_NAME = "src/crypto/libcrypto.a"
LIBRARY = LIBRARY_NAME + ".p/"
WAIT = 300			# seconds, on a machine with other work
COPIED = ("src", "tests/unit", "tests/diff")
SANITIZE = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
SAID_NO = re.compile(rb"^not ok|\[  FAILED  \]|\[  ERROR   \]|runtime error|ERROR: AddressSanitizer", re.M)


class Broken(Exception):
    """What was given does not work without any slip."""


class Test:
    """A program, and what it is called with."""

    def __init__(self, name, target, *args):
        self.name, self.target, self.args = name, target, args


class House:
    """source: the tree; build: where it was built; folder: to be made; like: another one."""

    def __init__(self, source, build, folder, like=None):
        self.source, self.build, self.folder = source, os.path.abspath(build), folder
        self.root = os.path.join(folder, "tree")
        self.commands = {}		# unit, which is an object of the build: how it is compiled
        # What all houses share. Unit: its object without a slip; unit: its files; test: what it
        # takes; target: how it is linked.
        # Flags: a header compiled with them.
        self.sound, self.made_of, self.seconds, self.links, self.headers = (
            (like.sound, like.made_of, like.seconds, like.links, like.headers) if like else
            ({}, {}, {}, {}, {}))
        for path in COPIED:
            shutil.copytree(os.path.join(source, path), os.path.join(self.root, path),
                            ignore=shutil.ignore_patterns("__pycache__"))
        os.makedirs(os.path.join(folder, "o"))
        self.commands_read()
        if not self.made_of:
            self.includes_read()

    def header(self, words):
        """immintrin.h, compiled for such a command: most of what a unit takes is reading that."""
        if platform.machine() != "x86_64":
            return []
        flags = tuple(w for w in words if re.match(r"-[fODmp]|-std", w) and "prefix-map" not in w)
        if flags not in self.headers:
            path = os.path.join(self.folder, f"simd{len(self.headers)}.h")
            with open(path, "w", encoding="ascii") as f:
                f.write("#include <immintrin.h>\n")
            subprocess.run([words[0], *flags, "-w", "-x", "c-header", path, "-o", path + ".gch"], check=True)
            self.headers[flags] = path
        return ["-include", self.headers[flags]]

    def commands_read(self):
        """How each object of crypto/ and its tests is made, from the build's own list."""
        old = os.path.relpath(self.source, self.build)
        with open(os.path.join(self.build, "compile_commands.json"), encoding="utf-8") as f:
            for e in json.load(f):
                if not e["output"].startswith((LIBRARY, "tests/unit/crypto/")):
                    continue
                words = [w.replace(old, self.root) if w.startswith(("-I" + old, old)) else w
                         for w in shlex.split(e["command"])]
                words = self.command(words) + [f"-ffile-prefix-map={self.root}=."]
                self.commands[e["output"]] = words + self.header(words)

    @staticmethod
    def command(words):
        """Fast to compile, no warnings, no files beside the object; meson takes ccache where it is."""
        words = words[os.path.basename(words[0]) == "ccache":]
        drop, out, skip = ("-g", "-O", "-W", "-fdiag", "-MD", "-ggdb"), [], 0
        for w in words:
            if skip:
                skip -= 1
            elif w in ("-MQ", "-MF", "-o"):
                skip = 1
            elif not w.startswith(drop):
                out.append(w)
        return out + ["-O1", "-w", "-Werror=incompatible-pointer-types", "-Werror=int-conversion",
                      "-Werror=implicit-function-declaration"]

    # --- units ---

    def object(self, unit):
        return os.path.join(self.folder, "o", unit.replace("/", "_") + ".o")

    def compile(self, unit, *more):
        """The object's octets, or None."""
        words = self.commands[unit]
        if more:		# gcc 12 crashes on a compiled header that was made without these
            words = words[:words.index("-include")] if "-include" in words else words
        r = subprocess.run([*words, *more, "-o", self.object(unit)], cwd=self.build,
                           capture_output=True)
        if r.returncode != 0:
            return None
        with open(self.object(unit), "rb") as f:
            return f.read()

    def sound_compile(self, unit):
        """From the source itself; once for all houses."""
        if unit in self.sound:
            return
        words = [w.replace(self.root, self.source) for w in self.commands[unit]]
        r = subprocess.run([*words, "-o", self.object("sound")], cwd=self.build, capture_output=True)
        if r.returncode != 0:
            raise Broken(f"{unit} does not compile")
        with open(self.object("sound"), "rb") as f:
            self.sound[unit] = f.read()

    def includes_read(self):
        """The files of the tree that each unit is made of, as the build noted them."""
        r = subprocess.run(["ninja", "-t", "deps"], cwd=self.build, capture_output=True, text=True)
        unit = None
        for line in r.stdout.split("\n"):
            if line.startswith("    "):
                self.made_of[unit].add(os.path.relpath(os.path.join(self.build, line.strip()), self.source))
            elif ": #deps" in line:
                unit = line[:line.index(": #deps")]
                self.made_of[unit] = set()

    def units_of(self, path, test):
        """What a test has of this file: its own objects, and the library's if it has that."""
        words = self.link_command(test.target)
        return [u for u in self.commands if path in self.made_of.get(u, ()) and
                (u in words or (u.startswith(LIBRARY) and LIBRARY_NAME in words))]

    # --- tests ---

    def link_command(self, target):
        """The build's own, as words; its objects are paths from there."""
        if target not in self.links:
            r = subprocess.run(["ninja", "-t", "commands", target], cwd=self.build, text=True,
                               capture_output=True)
            if r.returncode != 0:
                raise Broken(f"the build has no {target}")
            self.links[target] = shlex.split(r.stdout.strip().split("\n")[-1])
        return self.links[target]

    def library(self, units):
        """Its name; these units are ours, the others the build's."""
        path = os.path.join(self.folder, "library.a")
        if os.path.exists(path):
            os.unlink(path)
        subprocess.run(["ar", "qcsT", path, *(self.object(u) if u in units else os.path.join(self.build, u)
                                              for u in self.commands if u.startswith(LIBRARY))], check=True)
        return path

    def link(self, test, units, *more):
        """A program with the objects of these units; None: it does not link."""
        program = os.path.join(self.folder, os.path.basename(test.target))
        words = [self.object(w) if w in units else w for w in self.link_command(test.target)]
        words[words.index("-o") + 1] = program
        if any(u.startswith(LIBRARY) for u in units) and LIBRARY_NAME in words:
            words[words.index(LIBRARY_NAME)] = self.library(units)
        r = subprocess.run([*words, *more], cwd=self.build, capture_output=True)
        return program if r.returncode == 0 else None

    def run(self, test, program, times=3):
        """True: it says that all is well. Ends at the first word that it is not."""
        limit = int(self.seconds.get(test.name, WAIT) * times) + SECONDS

        def limits_set():
            os.nice(5)
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            if times == 3:		# what is sanitized asks for all there is
                resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

        p = subprocess.Popen(["timeout", str(WAIT), program, *test.args], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, preexec_fn=limits_set, cwd=self.folder,
                             start_new_session=True)
        said = b""
        while True:
            more = os.read(p.stdout.fileno(), 65536)
            said += more
            if not more or SAID_NO.search(said):
                break
        if more:
            p.terminate()
        p.stdout.close()
        return p.wait() == 0 and not SAID_NO.search(said)

    def test_sound(self, test):
        """Without a slip it must say that all is well; how long that takes is kept."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.monotonic()
        if not self.run(test, os.path.join(self.build, test.target)):
            raise Broken(f"{test.name} fails without a slip")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.seconds[test.name] = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        self.seconds[test.name] = min(self.seconds[test.name], time.monotonic() - began)

    # --- slips ---

    def try_slip(self, slip, tests):
        """("caught", by whom), ("survived", ""), ("same", "") or ("no C", "")."""
        path = os.path.join("src/crypto", slip.path)
        place = os.path.join(self.root, path)
        with open(place, encoding="utf-8") as f:
            text = f.read()
        units = {t: self.units_of(path, t) for t in tests}
        try:
            with open(place, "w", encoding="utf-8") as f:
                f.write(slip.apply(text))
            return self.judge(units)
        finally:
            with open(place, "w", encoding="utf-8") as f:
                f.write(text)

    def judge(self, units):
        """Test by test, and of each only what it has; units: of each test."""
        made = {}
        for t, own in units.items():
            for u in own:
                if u not in made:
                    self.sound_compile(u)
                    made[u] = self.compile(u)
                if made[u] is None:
                    return "no C", ""
            changed = [u for u in own if made[u] != self.sound[u]]
            if not changed:
                continue
            program = self.link(t, changed)
            if program is None:
                return "no C", ""
            if t.name not in self.seconds:
                self.test_sound(t)
            if not self.run(t, program):
                return "caught", t.name
        changed = {u for u in made if made[u] != self.sound[u]}
        return self.sanitized(units, changed) if changed or not units else ("same", "")

    def sanitized(self, units, changed):
        """As the second build of .ci/run has it; for survivors only, as it takes long."""
        for u in changed:
            if self.compile(u, *SANITIZE) is None:
                raise Broken(f"{u} does not compile with sanitizers")
        for t, own in units.items():
            ours = changed.intersection(own)
            if not ours:
                continue
            program = self.link(t, ours, *SANITIZE)
            if program is None:
                raise Broken(f"{t.name} does not link with sanitizers")
            if not self.run(t, program, 5):
                return "caught", t.name + "*"
        return "survived", ""
