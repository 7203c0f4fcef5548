#!/usr/bin/env python3
"""What role report tells the store's alarms: each begins once, holds over a restart, and ends."""
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import house  # noqa: E402
from test_zones_told import Store  # noqa: E402

DAY = 86400
QUEUE, ROWS = "queue\t1795000000\n", "rows\t1795000000\n"


class Life:
    """
    One life of the store. With each step a key of mail is told as bad that was not before: its alarm
    says that all was looked at, and so what did not happen.
    """

    n = 0

    def __init__(self, t, folder, offset):
        self.t, self.s = t, Store(folder, offset)
        t.ok(self.s.role.ready(), "the store is there", self.s.role.log)

    def step(self, what, lines, *want):
        """report tells these lines, if any; the alarms of it that then begin and end."""
        Life.n += 1
        got, last = self.s.got, len(self.s.got)
        if lines is not None:
            self.s.role.send("report_health", "report", bad=lines)
        self.s.role.send("seal_told", "seal", bad="k%d.example\t1795000000\tns\tx\n" % Life.n)
        self.s.role.until(lambda: ("begin", "k%d.example" % Life.n) in events(got[last:]) and
                          len(of_reports(got[last:])) >= len(want))
        self.s.role.idle(0.3)
        self.t.equal(of_reports(got[last:]), sorted(want), what, "\n".join(self.s.role.log))
        return got[last:]

    def end(self):
        self.t.equal(self.s.role.close(), 0, "it ends well")


def events(got):
    return sorted((g["alarm"], g["key"].split(" ")[1]) for g in got)


def of_reports(got):
    return events(g for g in got if g["code"] == "ALARM_MAIL_REPORTS")


def main():
    t = house.Tap()
    with tempfile.TemporaryDirectory(prefix="sekisho-alarms-") as folder:
        os.makedirs(os.path.join(folder, "snapshots"))
        x = Life(t, folder, 0)
        got = x.step("two things are wrong", QUEUE + ROWS, ("begin", "queue"), ("begin", "rows"))
        text = [g["finding"]["text"] for g in got if g["key"].endswith(" queue")]
        t.ok(len(text) == 1 and "2026-11-18T11:06:40Z" in text[0] and "none was sent since yesterday" in text[0],
             "since when, and what", text)
        x.step("they are told once", QUEUE + ROWS)
        x.end()
        x = Life(t, folder, 60)
        x.step("after a restart none is over before report has spoken", None)
        x.step("… and none is told twice", QUEUE + ROWS)
        x.step("one is well again", QUEUE, ("end", "rows"))
        x.end()
        x = Life(t, folder, DAY + 240)
        x.step("a day later the other is told again", QUEUE, ("still", "queue"))
        x.step("all is well", "", ("end", "queue"))
        x.step("it begins again", QUEUE, ("begin", "queue"))
        x.end()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
