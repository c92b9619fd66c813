#!/usr/bin/env python3
"""Runs an application as several processes on a real Kafka of its own, optionally kills one by SIGKILL halfway and adds another, and
checks what came out.

  tests/integration/workers.py --bin FOLDER [--workload shop|W6] [--workers N] [--kill] [--guarantee G] [--users N] [--partitions N]

shop: `tshirt generate`, `run`, `check`. W6: the peer's loader and `expected`, `bench work`. Prints what it saw and exits with 0 if nothing is
missing or wrong,
nor repeated where that is promised (no --kill, or exactly once). FOLDER holds the programs.
"""

import argparse
import json
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(SOURCE / "tests/support"))
from local_servers import output_of, script  # noqa: E402

PEER = str(SOURCE / "tests/bench/peers/kafka-streams/run")
DEADLINE_S = 480


class Worker:
    """One process of the application, seen through its metrics."""

    def __init__(self, name, command, folder):
        self.name = name
        self.port = None
        self.log = open(folder / f"{name}.log", "w")
        state = ["--state-dir", str(folder / name)] if "bench" in command[0] else ["--set", f"state.dir={folder / name}"]
        self.process = subprocess.Popen([*command, *state, "--set", "http.port=0"], stdout=self.log, stderr=self.log)

    def text(self):
        with open(self.log.name, errors="replace") as log:
            return log.read()

    def metrics(self):
        """{name: {labels: value}}; empty while it does not answer."""
        if self.port is None:
            # A port that was free when it was chosen may be somebody else's when the worker comes to listen.
            listens = re.search(r"metrics and health at http://127\.0\.0\.1:(\d+)", self.text())
            if not listens:
                return {}
            self.port = int(listens[1])
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
                text = answer.read().decode()
        except OSError:
            return {}
        metrics = {}
        for name, labels, value in re.findall(r"^(\w+)\{(.*)\} (\S+)$", text, re.M):
            metrics.setdefault(name, {})[labels] = float(value)
        return metrics

    def end(self, signal_number):
        """Sends the signal and waits; returns (exit code, seconds)."""
        began = time.monotonic()
        self.process.send_signal(signal_number)
        return self.process.wait(60), time.monotonic() - began

    def fail(self, why):
        raise RuntimeError(f"{self.name}: {why}\n{self.text()[-4000:]}")


class Fleet:
    def __init__(self, command, folder):
        self.command, self.folder = command, folder
        self.running, self.names = [], 0

    def add(self):
        self.names += 1
        worker = Worker(f"worker-{self.names}", self.command, self.folder)
        self.running.append(worker)
        return worker

    def look(self):
        """(records read from the sources, {partition: lag}, owned tasks by worker) of the processes that live."""
        consumed, lags, tasks = 0, {}, []
        for worker in self.running:
            if worker.process.poll() is not None:
                worker.fail(f"ended with code {worker.process.returncode}")
            metrics = worker.metrics()
            consumed += sum(v for labels, v in metrics.get("records_consumed_total", {}).items() if "-repartition" not in labels)
            for labels, lag in metrics.get("source_lag_records", {}).items():
                topic, partition = re.search(r'topic="([^"]*)"', labels), re.search(r'partition="([^"]*)"', labels)
                lags[topic[1], partition[1]] = lag
            tasks.append(int(sum(metrics.get("tasks", {}).values())))
        return consumed, lags, tasks

    def wait(self, what, reached):
        deadline = time.monotonic() + DEADLINE_S
        while True:
            seen = self.look()
            if reached(*seen):
                return seen
            if time.monotonic() > deadline:
                raise RuntimeError(f"{what}: not within {DEADLINE_S} s; consumed {seen[0]}, tasks {seen[2]}, lags {seen[1]}")
            time.sleep(0.2)

    def wait_until_done(self, partitions):
        """No lag on any of so many partitions for three seconds: every worker has published since."""
        calm_since = None

        def done(consumed, lags, tasks):
            nonlocal calm_since
            if len(lags) < partitions or any(lags.values()):
                calm_since = None
            elif calm_since is None:
                calm_since = time.monotonic()
            return calm_since is not None and time.monotonic() - calm_since > 3

        return self.wait("the end of the input", done)


def settings(arguments):
    interval = {"at_least_once": 1000, "exactly_once_v2": 100}[arguments.guarantee]
    return ["--set", f"processing.guarantee={arguments.guarantee}", "--set", f"commit.interval.ms={interval}", "--set",
            "session.timeout.ms=10000"]


class Shop:
    def __init__(self, arguments, servers):
        self.program = str(pathlib.Path(arguments.bin) / "tshirt")
        self.servers = ["--bootstrap-servers", servers]
        self.arguments = arguments

    def load(self):
        text = output_of(self.program, "generate", *self.servers, "--users", str(self.arguments.users), "--partitions",
                         str(self.arguments.partitions))
        return int(re.search(r"(\d+) records", text)[1])

    def command(self):
        return [self.program, "run", *self.servers, *settings(self.arguments)]

    def source_partitions(self):
        return 8 * self.arguments.partitions  # four input topics and four repartition topics

    def check(self, killed):
        text = subprocess.run([self.program, "check", *self.servers], stdout=subprocess.PIPE, text=True).stdout
        print(text)
        # topic, records, keys, missing, wrong, repeated, corrected
        rows = re.findall(r"^(\S+) +\d+ +(\d+) +(\d+) +(\d+) +(\d+) +\d+$", text, re.M)
        repeats_allowed = killed and self.arguments.guarantee == "at_least_once"
        return len(rows) == 7 and all(
            int(keys) > 0 and missing == wrong == "0" and (repeats_allowed or repeated == "0")
            for _, keys, missing, wrong, repeated in rows)


class W6:
    def __init__(self, arguments, servers):
        self.program = str(pathlib.Path(arguments.bin) / "bench")
        self.servers = ["--bootstrap", servers]
        self.arguments = arguments

    def load(self):
        output_of(PEER, "load", *self.servers, "--workload", "W6", "--users", str(self.arguments.users), "--partitions",
                  str(self.arguments.partitions))
        output_of(self.program, "topics", *self.servers, "--workload", "W6", "--partitions", str(self.arguments.partitions))
        ends = output_of(PEER, "verify", *self.servers, "--topic", "bench-w6-orders")
        return json.loads(ends)["records"] * 2  # about as many deliveries

    def command(self):
        return [self.program, "work", *self.servers, "--workload", "W6", "--application", "w6", "--guarantee",
                self.arguments.guarantee, *settings(self.arguments), "--set", "log.level=info"]

    def source_partitions(self):
        return 4 * self.arguments.partitions  # three input topics and one repartition topic

    def check(self, killed):
        text = output_of(PEER, "expected", *self.servers, "--workload", "W6")
        print(text)
        facts = json.loads(text.splitlines()[-1])
        return facts["missing"] == 0 and facts["wrong"] == 0 and (
            facts["repeated"] == 0 or (killed and self.arguments.guarantee == "at_least_once"))


def run(arguments, folder, servers):
    application = {"shop": Shop, "W6": W6}[arguments.workload](arguments, servers)
    records = application.load()
    print(f"{records} records to work off, {arguments.partitions} partitions, {arguments.workers} workers")
    fleet = Fleet(application.command(), folder)
    for _ in range(arguments.workers):
        fleet.add()
    try:
        if arguments.kill:
            kill(fleet, records)
        consumed, lags, tasks = fleet.wait_until_done(application.source_partitions())
        print(f"worked off: the living workers read {int(consumed)} records; tasks {tasks}; partitions seen {len(lags)}")
        for worker in fleet.running:
            code, seconds = worker.end(signal.SIGTERM)
            print(f"{worker.name}: SIGTERM, exit code {code} after {seconds:.1f} s")
            if code != 0:
                worker.fail("no clean end")
    finally:
        for worker in fleet.running:
            worker.process.kill()
    return application.check(arguments.kill)


def kill(fleet, records):
    """SIGKILL of a worker that owns tasks when half of the records are read, and another worker in its place."""
    consumed, _, tasks = fleet.wait("half of the input", lambda consumed, lags, tasks: consumed >= records / 2 and min(tasks) > 0)
    if consumed >= records:
        raise RuntimeError(f"killed too late: {int(consumed)} of {records} records were read before every worker had a task")
    victim = fleet.running.pop(1)
    code, _ = victim.end(signal.SIGKILL)
    print(f"{victim.name}: SIGKILL at {int(consumed)} records read, tasks {tasks}; wait status {code}")
    if code != -signal.SIGKILL:
        victim.fail("was not killed")
    fleet.add()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--workload", choices=["shop", "W6"], default="shop")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--guarantee", choices=["at_least_once", "exactly_once_v2"], default="at_least_once")
    parser.add_argument("--kill", action="store_true")
    parser.add_argument("--users", type=int, default=20000)
    parser.add_argument("--partitions", type=int, default=6)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="millrace-workers-") as folder:
        folder = pathlib.Path(folder)
        servers = script("kafka", "start", "--dir", str(folder / "kafka"))
        try:
            good = run(arguments, folder, servers)
        finally:
            script("kafka", "stop", "--dir", str(folder / "kafka"))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
