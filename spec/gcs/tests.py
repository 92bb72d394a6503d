"""tests: runs the tests of the server: test_*.py beside this file.

    python3 spec/gcs/tests.py --list          the name of each, a line each
    python3 spec/gcs/tests.py [NAME]...       runs these, or all; a JSON object {name: what failed,
                                              null if nothing did} is the last line
"""
import json
import os
import sys
import unittest

sys.dont_write_bytecode = True

FOLDER = os.path.dirname(os.path.abspath(__file__))


class Result(unittest.TestResult):
    """Remembers each test's failure by its name."""

    def __init__(self):
        super().__init__()
        self.failed = {}

    def startTest(self, test):
        super().startTest(test)
        self.failed[test.id()] = None

    def addError(self, test, err):
        self.failed[test.id()] = self._exc_info_to_string(err, test)

    def addFailure(self, test, err):
        self.failed[test.id()] = self._exc_info_to_string(err, test)


def flatten(suite):
    """The single tests of a suite."""
    for one in suite:
        if isinstance(one, unittest.TestSuite):
            yield from flatten(one)
        else:
            yield one


def main(words):
    """Lists or runs."""
    sys.path.insert(0, FOLDER)
    tests = list(flatten(unittest.defaultTestLoader.discover(FOLDER, "test_*.py")))
    if words == ["--list"]:
        print("\n".join(test.id() for test in tests))
        return
    result = Result()
    unittest.TestSuite(test for test in tests if not words or any(
        word in test.id() for word in words)).run(result)
    print(json.dumps(result.failed))


if __name__ == "__main__":
    main(sys.argv[1:])
