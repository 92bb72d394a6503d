"""A program on a terminal of its own, and what the terminal shows: enough of an xterm for programs
that edit a line.

    terminal.py FILE     of JSON: {"command": [...], "columns": 80, "rows": 24, "steps": [...]}

Steps, one after the other; what is awaited comes within 60 s, or it ends with an error:

    {"type": "text"}           as if typed
    {"await": "text"}          until that is on the screen, or in what has scrolled out of it
    {"await_end": true}        until the program has ended
    {"screen": true}           remembers what is to be seen
    {"resize": [40, 24]}
    {"shell": "command"}       something beside it

It prints {"screens": [...], "code": 0, "text": all that was shown at the end, "error": "..."}; each
screen is its lines without space at their ends.
"""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

DEADLINE_SECONDS = 60
ESCAPE = re.compile(r"\x1b(?:\[([?\d;]*)([@-~])|[()][0-9A-Z]|[=>78cDEM])")


class Screen:
    def __init__(self, columns, rows):
        self.gone, self.columns, self.rows = [], columns, rows
        self.lines, self.row, self.column = [[]], 0, 0
        self.rest, self.inserts = "", False

    def resize(self, columns, rows):
        self.columns, self.rows = columns, rows

    def text(self):
        lines = ["".join(line).rstrip() for line in self.gone + self.lines]
        return "\n".join(lines).rstrip("\n")

    def line(self):
        while self.row >= len(self.lines):
            self.lines.append([])
        while len(self.lines) > self.rows:
            self.gone.append(self.lines.pop(0))
            self.row -= 1
        return self.lines[self.row]

    def put(self, char):
        if self.column >= self.columns:
            self.row, self.column = self.row + 1, 0
        line = self.line()
        line.extend(" " * (self.column - len(line)))
        line[self.column:self.column + (0 if self.inserts else 1)] = char
        del line[self.columns:]
        self.column += 1

    def control(self, char):
        if char == "\r":
            self.column = 0
        elif char == "\n":
            self.row += 1
            self.line()
        elif char == "\b":
            self.column = max(0, min(self.column, self.columns - 1) - 1)

    def erase_below(self, kind):
        if kind == 2:
            self.lines, self.row = [[] for _ in range(self.row + 1)], self.row
        else:
            del self.line()[self.column:]
            del self.lines[self.row + 1:]

    def erase_in_line(self, kind):
        line = self.line()
        if kind == 0:
            del line[self.column:]
        else:
            end = len(line) if kind == 2 else min(self.column + 1, len(line))
            line[:end] = " " * end

    def sequence(self, arguments, final):
        numbers = [int(one) for one in re.findall(r"\d+", arguments)]
        count = numbers[0] if numbers and numbers[0] > 0 else 1
        kind = numbers[0] if numbers else 0
        self.column = min(self.column, self.columns - 1)
        if final == "A":
            self.row = max(0, self.row - count)
        elif final == "B":
            self.row = min(self.rows - 1, self.row + count)
        elif final == "C":
            self.column = min(self.columns - 1, self.column + count)
        elif final == "D":
            self.column = max(0, self.column - count)
        elif final == "G":
            self.column = count - 1
        elif final == "H":
            self.row, self.column = count - 1, (numbers[1] - 1 if len(numbers) > 1 else 0)
        elif final == "J":
            self.erase_below(kind)
        elif final == "K":
            self.erase_in_line(kind)
        elif final == "P":
            del self.line()[self.column:self.column + count]
        elif final == "@":
            self.line()[self.column:self.column] = " " * count
        elif final in "hl":
            self.inserts = final == "h" if arguments == "4" else self.inserts
        elif final != "m":
            raise ValueError(f"the terminal does not know ESC [ {arguments} {final}")

    def feed(self, text):
        text = self.rest + text
        self.rest, at = "", 0
        while at < len(text):
            if text[at] == "\x1b":
                found = ESCAPE.match(text, at)
                if not found:
                    self.rest = text[at:]  # the other half comes
                    return
                if found.group(2):
                    self.sequence(found.group(1), found.group(2))
                at = found.end()
                continue
            if text[at] < " ":
                self.control(text[at])
            else:
                self.put(text[at])
            at += 1


class Terminal:
    def __init__(self, script):
        self.screen = Screen(script.get("columns", 80), script.get("rows", 24))
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvp(script["command"][0], script["command"])
        self.tell_size()
        self.bytes, self.code = b"", None

    def tell_size(self):
        size = struct.pack("HHHH", self.screen.rows, self.screen.columns, 0, 0)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, size)

    def resize(self, columns, rows):
        self.screen.resize(columns, rows)
        self.tell_size()

    def read(self, seconds):
        """Shows what comes within that time; False at the end of the program."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            self.bytes += os.read(self.fd, 65536)
        except OSError:
            return False
        text = self.bytes.decode("utf-8", "ignore")
        done = len(text.encode())
        if done == len(self.bytes) or len(self.bytes) > 65536:
            self.bytes = b""
        else:
            self.bytes = self.bytes[done:]
        self.screen.feed(text)
        return True

    def wait_for(self, condition, what):
        end = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            if not self.read(0.05):
                self.reap()
                if condition():
                    return
                raise RuntimeError(f"the program has ended; awaited: {what}")
            if time.monotonic() > end:
                raise RuntimeError(f"not within {DEADLINE_SECONDS} s: {what}")

    def reap(self):
        if self.code is None:
            _, status = os.waitpid(self.pid, 0)
            self.code = os.waitstatus_to_exitcode(status)

    def wait_for_end(self):
        self.wait_for(lambda: self.code is not None, "its end")

    def close(self):
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            self.reap()


def perform(terminal, step, screens):
    if "type" in step:
        os.write(terminal.fd, step["type"].encode())
    elif "await" in step:
        terminal.wait_for(lambda: step["await"] in terminal.screen.text(), step["await"])
    elif "await_end" in step:
        terminal.wait_for_end()
    elif "screen" in step:
        screens.append(terminal.screen.text())
    elif "resize" in step:
        terminal.resize(*step["resize"])
    elif "shell" in step:
        subprocess.run(step["shell"], shell=True, check=True, stdout=subprocess.DEVNULL,
                       timeout=DEADLINE_SECONDS)


def main(path):
    with open(path, encoding="utf-8") as file:
        script = json.load(file)
    terminal, screens, error = Terminal(script), [], None
    try:
        for step in script["steps"]:
            perform(terminal, step, screens)
    except (RuntimeError, ValueError, subprocess.SubprocessError) as failure:
        error = str(failure)
    finally:
        terminal.close()
    answer = {"screens": screens, "code": terminal.code, "text": terminal.screen.text()}
    if error:
        answer["error"] = error
    print(json.dumps(answer))


main(*sys.argv[1:])
