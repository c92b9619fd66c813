"""One run: topics of its own, three workers, a steady input, a fault, healing, and the judgement of everything that came out."""

import json
import os
import pathlib
import random
import shutil
import subprocess
import time

import checks
import model
from fleet import Fleet, Stuck
from workers import PEER

PARTITIONS = 6
TASKS = 2 * PARTITIONS  # two sub-topologies
WORKERS = 3
RATE = 500
TIMER_MS = 2000
SETTLE_S = 40
DRAIN_S = 40
SESSION_MS = 2000
# Of static members, whose restart it must outlast: Millrace's default.
STATIC_SESSION_MS = 10000
TRANSACTION_MS = 4000
TOPICS = ["in", "echo", "left", "right", "stats", "groups", "sequences", "timers"]
STORES = ["stats", "groups", "sequences", "timers"]


class NotProven(Exception):
    """The fault was not seen to happen: the run says nothing."""


class Probe:
    """chaos_probe in the background; it ends when its input closes."""

    def __init__(self, program, servers, *arguments):
        self.process = subprocess.Popen([program, arguments[0], "--servers", servers, *arguments[1:]], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self, seconds=90):
        """(exit code, standard output)"""
        out, error = self.process.communicate(timeout=seconds)
        if self.process.returncode not in (0, 3):
            raise RuntimeError(f"chaos_probe: {error}")
        return self.process.returncode, out


class Run:
    partitions = PARTITIONS

    def __init__(self, number, seed, name, fault, arguments, broker, folder):
        self.fault, self.seed, self.arguments, self.broker = fault, seed, arguments, broker
        self.random = random.Random(f"{seed} {name}")
        self.application = f"chaos-{os.getpid()}-{number}"
        self.prefix = self.application + "."
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.began = time.time()
        self.events = open(self.folder / "events.log", "w")
        self.exactly_once = arguments.guarantee == "exactly_once_v2"
        self.program = str(pathlib.Path(arguments.bin) / "chaos_probe")
        self.stall_file = self.folder / "stall"
        self.proven = []
        # What Kafka itself lost: of transactions that it had ended, which stay open for ever.
        self.kafka_lost = []
        self.faults_began = 0
        self.results = {}
        self.servers = broker.servers
        self.bad = model.Violations()
        self.last_acts = []
        self.judgements = []
        self.spared, self.healed = [], 0
        self.restarted = {}
        # (begin, end, where the longest silence in between is to be put)
        self.windows = []
        servers = broker.proxied_servers if fault.proxied else self.servers
        command = self.peer_command(servers) if fault.peer else self.worker_command(servers)
        self.fleet = Fleet(command, self.folder, TASKS, self.note, fault.static)

    def settings(self):
        settings = {
            "application.id": self.application,
            "processing.guarantee": self.arguments.guarantee,
            "commit.interval.ms": 100 if self.exactly_once else 200,
            "session.timeout.ms": STATIC_SESSION_MS if self.fault.static else SESSION_MS,
            "heartbeat.interval.ms": 300,
            "num.stream.threads": 2,
        }
        if self.exactly_once:
            settings["producer.transaction.timeout.ms"] = TRANSACTION_MS
        return [word for name, value in settings.items() for word in ("--set", f"{name}={value}")] + list(self.fault.settings)

    def worker_command(self, servers):
        mutant = ["--mutant", self.arguments.mutant] if self.arguments.mutant else []
        # Every second run is of the ordinary command, and all that are measured.
        named = self.exactly_once and self.seed % 2 and not self.arguments.figures
        return [str(pathlib.Path(self.arguments.bin) / ("chaos_mutant" if mutant else "chaos_app")),
                *(["work", "--name-transactions"] if named else ["run"]), "--bootstrap-servers", servers, "--prefix", self.prefix,
                "--timer-ms", str(TIMER_MS), "--stall-file", str(self.stall_file), *mutant, *self.settings()]

    def peer_command(self, servers):
        return [PEER, "chaos", "--bootstrap", servers, "--prefix", self.prefix, "--timer-ms", str(TIMER_MS), *self.settings()]

    def note(self, text):
        line = f"{time.time() - self.began:7.3f} {text}"
        self.events.write(line + "\n")
        self.events.flush()
        if self.arguments.verbose:
            print("   ", line, flush=True)

    def prove(self, holds, what):
        """What shows that the fault took effect."""
        self.note(f"{'proven' if holds else 'NOT PROVEN'}: {what}")
        if not holds:
            raise NotProven(what)
        self.proven.append(what)

    @staticmethod
    def wait_for(seconds, holds):
        deadline = time.monotonic() + seconds
        while not holds() and time.monotonic() < deadline:
            time.sleep(0.05)

    def prove_within(self, seconds, what, holds):
        self.wait_for(seconds, holds)
        self.prove(holds(), what)

    def probe(self, *arguments):
        return Probe(self.program, self.servers, *arguments).finish()[1]

    def producer(self, first_id, ledger):
        return Probe(self.program, self.servers, "produce", self.topic("in"), "--rate", str(self.arguments.rate), "--seed", str(self.seed),
                     "--first-id", str(first_id), "--out", str(self.folder / ledger))

    def topic(self, name):
        return self.prefix + name

    def changelog(self, store):
        return f"{self.application}-{store}-changelog"

    def pause(self, least, most=None):
        time.sleep(self.random.uniform(least, most or least))

    def violate(self, checker, text):
        self.bad.add(checker, text)

    def at_end(self, act):
        """To be done when all workers have ended."""
        self.last_acts.append(act)

    def at_judgement(self, act):
        """To be called with the records of the changelogs by store."""
        self.judgements.append(act)

    def execute(self):
        """Returns the violations, as texts."""
        names = [self.topic(t) for t in TOPICS]
        self.probe("create", *names, "--count", str(PARTITIONS))
        collector = Probe(self.program, self.servers, "collect", *names, "--out", str(self.folder / "records"))
        producer = self.producer(0, "ledger")
        try:
            for _ in range(WORKERS):
                if self.arguments.unguarded:
                    self.fleet.add(verb="work", extra=["--unguarded"])
                else:
                    self.fleet.add(extra=self.fault.options)
            self.fleet.wait_settled(SETTLE_S)
            self.pause(0.3, 1.5)
            self.faults_began = time.time()
            if not self.fault.last:
                self.fault.inject(self)
                self.fleet.wait_settled(SETTLE_S)
            self.healed = time.time()
            self.pause(1.0)
            self.note(f"the input ends at record {producer.finish()[1].strip()}")
            self.drain()
            if not self.fault.peer:
                checks.look_at_resources(self)
            if not self.fault.last:
                homes = [worker.home for worker in self.fleet.workers]
                self.stop_workers()
                self.restarted = {} if self.fault.peer else checks.restart(self, homes)
            code, out = collector.finish()
            if code == 3:
                self.violate("C6", f"not all can be read committed 30 s after the end: {out}")
            self.judge(self.bad)
            if self.fault.last:
                self.fault.inject(self)
                self.stop_workers()
        except Stuck as stuck:
            self.violate("C8", str(stuck))
        finally:
            self.broker.proxy.rule = None
            if not self.fault.peer:
                checks.check_ends(self)
            self.fleet.end()
            for act in self.last_acts:
                act()
            for probe in (collector, producer):
                if probe.process.poll() is None:
                    probe.process.kill()
                    probe.process.wait()
        self.note(f"violations: {self.bad.texts or 'none'}")
        return self.bad.texts

    def stop_workers(self):
        for worker in list(self.fleet.workers):
            self.fleet.stop(worker)

    def drain(self):
        """Until all input is processed and every timer has come."""
        deadline = time.monotonic() + DRAIN_S
        earliest = time.monotonic() + TIMER_MS / 1000 + 0.5
        calm = 0
        while calm < 3 or time.monotonic() < earliest:
            _, lags = self.fleet.look()
            calm = calm + 1 if len(lags) >= 2 * PARTITIONS and not any(lags.values()) else 0
            if time.monotonic() > deadline:
                raise Stuck(f"C8: {DRAIN_S} s after the end of the input the lags are {lags}")
            time.sleep(0.2)

    def judge(self, bad):
        # A probe without an input that it could wait for: to the end that is there now.
        _, out = Probe(self.program, self.servers, "collect", *map(self.changelog, STORES), "--out",
                       str(self.folder / "changelogs")).finish()
        if out:
            bad.add("C6", out)
        records = model.read_records(self.folder / "records")
        by_topic = {name: [r for r in records if r.topic == self.topic(name)] for name in TOPICS}
        changelogs = model.read_records(self.folder / "changelogs")
        by_store = {store: [r for r in changelogs if r.topic == self.changelog(store)] for store in STORES}
        ledger = [sent for path in sorted(self.folder.glob("ledger*")) for sent in model.read_ledger(path)]
        model.check_ledger(ledger, by_topic["in"], bad)
        expected = model.Model(by_topic["in"], TIMER_MS, self.exactly_once)
        expected.check(by_topic, by_store, bad)
        for judge in self.judgements:
            judge(by_store)
        checks.check_states(self, self.restarted, expected.final_stores())
        checks.check_transactions(self, records)
        if not self.fault.peer:
            checks.check_disks(self, by_store)
        checks.check_progress(self, by_topic["echo"])
        for line in self.probe("committed", self.topic("in"), "--group", self.application).splitlines():
            topic, partition, committed, end = line.split()
            if int(end) > 0 and int(committed) != int(end):
                bad.add("C4", f"{topic}-{partition}: committed {committed}, end {end}")
        self.measure(by_topic["echo"])
        self.results["records"] = len(by_topic["in"])
        self.results["repeated"] = len(by_topic["echo"]) - len(by_topic["in"])

    def measure(self, echo):
        """The longest silence of a partition of the output, as its reader saw it, from the beginning of the fault on, and in each window."""
        arrivals = {}
        for r in echo:
            arrivals.setdefault(r.partition, []).append(r.seen_ms / 1000)
        gaps = [(a, b) for times in arrivals.values() for a, b in zip(times, times[1:])]
        self.results["gap_s"] = round(max((b - a for a, b in gaps if b >= self.faults_began), default=0), 3)
        for begin, end, found in self.windows:
            found.append(max((b - a for a, b in gaps if b >= begin and a <= end), default=0))

    def close(self, keep):
        self.events.write(json.dumps(self.results) + "\n")
        self.events.close()
        if not keep:
            shutil.rmtree(self.folder)
