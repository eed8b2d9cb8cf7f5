# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Test Anything Protocol for tests written in Python."""
import sys
import traceback


class Skip(Exception):
    """A case raises it when something that it needs is missing here."""


class Tap:
    """Counts the cases of a test and prints a line for each."""

    def __init__(self):
        self.count = self.failed = 0

    def check(self, passed, name, detail=""):
        """Prints one result, and the detail when it failed."""
        self.count += 1
        self.failed += not passed
        print(
            "%s %d - %s"
            % (
                "ok" if passed else "not ok",
                self.count,
                name.replace("#", ""),
            ),
            flush=True,
        )
        if not passed and detail:
            self.note(detail)
        return passed

    def skip(self, name, reason):
        """Prints that a case did not run, and why."""
        self.count += 1
        print("ok %d - %s # SKIP %s" % (self.count, name, reason), flush=True)

    def note(self, text):
        """Prints a text that readers of the protocol ignore."""
        for line in str(text).splitlines():
            print("# " + line, flush=True)

    def case(self, function, *args):
        """Runs one case, named by the first line of its docstring. It passes
        when the function returns, fails when it raises, and is skipped when it
        raises Skip."""
        name = (function.__doc__ or function.__name__).split("\n")[0]
        name = name.rstrip(".")
        try:
            function(*args)
            self.check(True, name)
        except Skip as reason:
            self.skip(name, str(reason))
        except Exception:  # any other exception fails the case
            self.check(False, name, traceback.format_exc())

    def done(self):
        """Prints the number of cases and returns the exit status."""
        print("1..%d" % self.count)
        return 1 if self.failed else 0


def skip_all(reason):
    """Ends a test that cannot run here."""
    print("1..0 # SKIP %s" % reason)
    sys.exit(0)
