# SPDX-License-Identifier: LGPL-2.1-or-later
"""Test Anything Protocol for tests written in Python."""
import sys
import traceback


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def check(self, passed, name, detail=""):
        self.count += 1
        self.failed += not passed
        print(
            "%s %d - %s"
            % ("ok" if passed else "not ok", self.count, name.replace("#", "")),
            flush=True,
        )
        if not passed and detail:
            self.note(detail)
        return passed

    def skip(self, name, reason):
        self.count += 1
        print("ok %d - %s # SKIP %s" % (self.count, name, reason), flush=True)

    def note(self, text):
        for line in str(text).splitlines():
            print("# " + line, flush=True)

    def case(self, function, *args):
        """One case: passes where the function returns."""
        name = (function.__doc__ or function.__name__).split("\n")[0]
        try:
            function(*args)
            self.check(True, name.rstrip("."))
        except Exception:  # whatever it is, the case failed
            self.check(False, name.rstrip("."), traceback.format_exc())

    def done(self):
        print("1..%d" % self.count)
        return 1 if self.failed else 0


def skip_all(reason):
    """For a test that cannot run here at all."""
    print("1..0 # SKIP %s" % reason)
    sys.exit(0)
