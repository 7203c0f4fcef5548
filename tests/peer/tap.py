"""TAP for the Python tests here: ok(), skip(), a plan at the end."""
import sys
import traceback


class Tap:
    def __init__(self):
        self.n = self.failed = 0

    def ok(self, good, name, note=None):
        self.n += 1
        if not good:
            self.failed += 1
        print("%s %d - %s" % ("ok" if good else "not ok", self.n, name.replace("#", "")))
        if note is not None and not good:
            self.diag(note)
        sys.stdout.flush()
        return bool(good)

    def equal(self, got, want, name, note=""):
        return self.ok(got == want, name, "got %r, want %r\n%s" % (got, want, note))

    def none(self, faults, name):
        """Good when the list is empty; otherwise its head is shown."""
        faults = list(faults)
        return self.ok(not faults, name, "\n".join(str(f) for f in faults[:8]))

    def skip(self, name, reason):
        self.n += 1
        print("ok %d - %s # SKIP %s" % (self.n, name, reason))
        sys.stdout.flush()

    def diag(self, text):
        for line in str(text).splitlines():
            print("# " + line)
        sys.stdout.flush()

    def case(self, fn, *args):
        """Run a case; an exception of it is a failure, not the end."""
        try:
            fn(*args)
        except Exception:
            self.ok(False, fn.__name__, traceback.format_exc())

    def done(self):
        print("1..%d" % self.n)
        return 1 if self.failed else 0
