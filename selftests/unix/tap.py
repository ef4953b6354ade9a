# SPDX-License-Identifier: GPL-2.0-only
"""TAP, for tests in Python."""
import sys


class Tap:
    def __init__(self, out=sys.stdout):
        self.count = self.failures = 0
        self.out = out

    def ok(self, good, text, *more):
        """more: what to show if it fails."""
        self.count += 1
        self.failures += not good
        print(f"{'' if good else 'not '}ok {self.count} - {text}", file=self.out, flush=True)
        for item in more if not good else ():
            print(f"#   {item!r:.600}", file=self.out, flush=True)

    def equal(self, got, want, text):
        self.ok(got == want, text, f"got  {got!r}", f"want {want!r}")

    def relay(self, text):
        """The lines of another program."""
        for line in text.splitlines():
            if line.startswith(("ok ", "not ok ")):
                self.ok(line.startswith("ok "), line.split(" - ", 1)[1])
            elif line.startswith("#"):
                print(line, file=self.out, flush=True)
        self.ok("\n1.." in text, "it ran to its end")

    def done(self):
        """The plan. The exit status of a test that ends here."""
        print(f"1..{self.count}", file=self.out, flush=True)
        return 1 if self.failures else 0
