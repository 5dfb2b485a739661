#!/usr/bin/env python3
"""Records a real run of `pop` as an SVG that moves: `python3 scripts/record.py target/release docs/pictures/run.svg`.

Four validators run in a folder that is gone afterwards, on the guide's ports. A shell on a pseudo-terminal is given each
command of SCENE, as if it were typed, and what it prints is kept with its times; pauses are shortened. Nothing is made up: if
a command does not print what it should, the recording fails.

Must never: write a line that was not printed, or leave a process running.
"""

import html
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

COLUMNS, ROWS = 100, 24
# What is typed, what it must print, and what happens besides.
SCENE = [
    ("pop submit-proof proofs/quorums-intersect.smt2 --claim unsat --wait", "final in block", None),
    ("pop submit-proof proofs/midpoint-overflow.smt2 --claim unsat --wait", "counterexample", None),
    ("kill -9 $(cat node_3.pid) $(cat node_4.pid)    # half of the stake", "", None),
    ("pop why | head -2", "HALTED", "halted"),
    ("pop start-validator --node-id node_3 &> node_3.log &", "", "started"),
    ("pop why | head -2", "DEGRADED", "alive"),
    ("pop submit-proof proofs/withdrawal-frames-other-accounts.smt2 --claim unsat --wait", "final in block", None),
]
PROMPT = "$ "
TYPING_S, AFTER_S, END_S, PAUSE_MAX_S = 0.03, 2.0, 6.0, 2.2
STYLE = "font: 14px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
CELL_W, CELL_H, MARGIN = 8.43, 19, 14


class Network:
    """Four validators in a folder of their own."""

    def __init__(self, programs):
        self.folder = tempfile.mkdtemp(prefix="pop-record-")
        self.env = dict(os.environ, PATH=f"{programs}:{os.environ['PATH']}", NO_COLOR="1", HOME=self.folder)
        for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "POP_NODE"):
            self.env.pop(name, None)
        root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
        shutil.copytree(os.path.join(root, "config"), os.path.join(self.folder, "config"))
        shutil.copytree(os.path.join(root, "data/proofs"), os.path.join(self.folder, "proofs"))
        os.mkdir(os.path.join(self.folder, "data"))
        self.run("pop init-genesis-state --validators config/validators.json --output data/genesis_state.json")
        for number in range(1, 5):
            command = f"pop start-validator --node-id node_{number} 2> node_{number}.log & echo $! > node_{number}.pid"
            subprocess.run(["bash", "-c", command], cwd=self.folder, env=self.env, check=True, stdout=subprocess.DEVNULL)
        self.until("pop why", lambda text: text.startswith("OK"))

    def run(self, command):
        subprocess.run(command.split(), cwd=self.folder, env=self.env, check=True, stdout=subprocess.DEVNULL)

    def until(self, command, is_so):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            done = subprocess.run(command.split(), cwd=self.folder, env=self.env, capture_output=True, text=True)
            if is_so(done.stdout):
                return
            time.sleep(0.1)
        raise SystemExit(f"record: {command} did not come to that: {done.stdout}{done.stderr}")

    def await_state(self, what):
        if what == "halted":
            self.until("pop why", lambda text: text.startswith("HALTED"))
        if what == "alive":
            self.until("pop why", lambda text: text.startswith("DEGRADED"))

    def close(self):
        for number in range(1, 5):
            listing = subprocess.run(["pgrep", "-f", f"start-validator --node-id node_{number}$"], capture_output=True, text=True)
            for pid in map(int, listing.stdout.split()):
                try:
                    if os.readlink(f"/proc/{pid}/cwd") == self.folder:
                        os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass
        shutil.rmtree(self.folder, ignore_errors=True)


class Terminal:
    """A shell, and what it printed when."""

    def __init__(self, network):
        self.events, self.begun = [], time.monotonic()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(network.folder)
            env = dict(network.env, PS1=PROMPT, TERM="dumb", COLUMNS=str(COLUMNS), BASH_SILENCE_DEPRECATION_WARNING="1")
            os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], env)
        self.read_until(PROMPT)

    def read_until(self, ending, seconds=60):
        text, deadline = "", time.monotonic() + seconds
        while not text.endswith(ending):
            some = self.read_some(max(0, deadline - time.monotonic()))
            if not some:
                raise SystemExit(f"record: no prompt came back: {text!r}")
            text += some
        return text

    def read_some(self, seconds):
        if not select.select([self.fd], [], [], seconds)[0]:
            return ""
        some = os.read(self.fd, 65536).decode("utf-8", "replace").replace("\r", "")
        self.events.append((time.monotonic() - self.begun, some))
        return some

    def type(self, line):
        for letter in line:
            os.write(self.fd, letter.encode())
            time.sleep(TYPING_S)
            self.read_some(0)
        os.write(self.fd, b"\n")
        return self.read_until(PROMPT)

    def close(self):
        os.close(self.fd)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def record(programs):
    network = Network(programs)
    try:
        terminal = Terminal(network)
        try:
            for line, must_print, after in SCENE:
                if after in ("halted", "alive"):
                    network.await_state(after)
                time.sleep(AFTER_S)
                printed = terminal.type(line)
                if must_print not in printed:
                    raise SystemExit(f"record: {line} printed {printed!r}")
            return terminal.events
        finally:
            terminal.close()
    finally:
        network.close()


def screens(events):
    """The lines on the screen after each event, with when that is."""
    lines, frames, now, before = [""], [], 0.0, None
    for at, text in events:
        now += min(at - before, PAUSE_MAX_S) if before is not None else 0
        before = at
        # Job control tells of what was killed or started in the background.
        text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)
        for letter in text:
            if letter == "\n":
                lines.append("")
            elif letter == "\b":
                lines[-1] = lines[-1][:-1]
            elif letter >= " ":
                if len(lines[-1]) == COLUMNS:
                    lines.append("")
                lines[-1] += letter
        frames.append((now, lines[-ROWS:]))
    return frames


def paint(line):
    text = html.escape(line, quote=False)
    if line.startswith(PROMPT):
        return f'<tspan class="p">$</tspan>{text[1:]}'
    for word, kind in (("HALTED", "r"), ("REFUSED", "r"), ("DEGRADED", "y"), ("final", "g"), ("OK", "g")):
        found = re.search(rf"\b{word}\b", text)
        if found:
            return f'{text[:found.start()]}<tspan class="{kind}">{word}</tspan>{text[found.end():]}'
    return text


def svg(frames):
    total = frames[-1][0] + END_S
    width, height = round(COLUMNS * CELL_W + 2 * MARGIN), ROWS * CELL_H + 2 * MARGIN
    steps = "".join(f"{100 * at / total:.2f}%{{transform:translateX({-width * number}px)}}" for number, (at, _) in enumerate(frames))
    names, defs, groups = {}, [], []
    for number, (_, lines) in enumerate(frames):
        uses = []
        for row, line in enumerate(lines):
            if not line:
                continue
            if line not in names:
                names[line] = f"l{len(names)}"
                defs.append(f'<text id="{names[line]}" xml:space="preserve">{paint(line)}</text>')
            y = MARGIN + (row + 1) * CELL_H - 5
            uses.append(f'<use href="#{names[line]}" x="{width * number + MARGIN}" y="{y}"/>')
        groups.append("".join(uses))
    last = -width * (len(frames) - 1)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">
<title>A run of pop: a proof becomes final, a false one is refused with its counterexample, two validators are killed, the network halts and says why, one is started, and proofs become final again</title>
<style>text{{{STYLE};fill:#d6deeb}}.p{{fill:#7fdbca}}.g{{fill:#8bd48b}}.r{{fill:#ff8080}}.y{{fill:#ffcb6b}}
#s{{animation:k {total:.2f}s step-end infinite}}@keyframes k{{{steps}}}
@media(prefers-reduced-motion:reduce){{#s{{animation:none;transform:translateX({last}px)}}}}</style>
<defs>{"".join(defs)}</defs><rect width="{width}" height="{height}" rx="8" fill="#10151e"/>
<svg width="{width}" height="{height}"><g id="s">{"".join(groups)}</g></svg></svg>
"""


def main():
    if len(sys.argv) != 3:
        raise SystemExit("usage: record.py FOLDER_OF_PROGRAMS OUTPUT.svg")
    frames = screens(record(os.path.abspath(sys.argv[1])))
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        file.write(svg(frames))
    print(f"{sys.argv[2]}: {len(frames)} frames, {frames[-1][0] + END_S:.0f} s")


if __name__ == "__main__":
    main()
