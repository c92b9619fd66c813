"""What restarts and crashes of a worker cost: how long outputs are silent, what is restored from the changelogs, how often the group is rebalanced."""

import collections
import functools
import re
import time

from faults import Fault
from run import SETTLE_S, STATIC_SESSION_MS, STORES

# state.flush.interval.ms of the measure that waits for it: after that time what is committed is in files.
BOUND_S = 40
# What a commit, a flush or a restore may take, and what a record's time may lie before its way into a changelog.
SLACK_S = 4


class Figures:
    """Names and values, in the order in which they came."""

    def __init__(self):
        self.gaps = collections.defaultdict(list)
        self.texts = collections.defaultdict(list)

    def lines(self):
        for name, gaps in self.gaps.items():
            yield f"output gap, {name}: {distribution(gaps)}"
        for name, texts in self.texts.items():
            yield f"{name}: {', '.join(texts)}"


def distribution(values):
    ordered = sorted(values)
    if not ordered:
        return "none"
    at = lambda share: ordered[min(len(ordered) - 1, int(share * len(ordered)))]  # noqa: E731
    return f"p50 {at(0.5):.2f} s, p99 {at(0.99):.2f} s, largest {ordered[-1]:.2f} s, {len(ordered)} times"


def restart_each(run, figures, rounds, what):
    """Restarts one worker after the other on its own disk, while the input flows."""
    run.pause(2)
    for _ in range(rounds):
        restart_one(run, False, figures.gaps[what])
        # The others settle before the next one goes.
        run.pause(2)


def restart_one(run, kill, gaps):
    worker = run.fleet.workers[0]
    begin = time.time()
    if kill:
        run.prove(run.fleet.kill(worker), f"{worker.name} was killed")
    else:
        run.fleet.stop(worker)
    successor = run.fleet.add(home=worker.home)
    run.fleet.wait_settled(SETTLE_S)
    run.windows.append((begin, time.time() + 1, gaps))
    return begin, successor


def kill_and_count(run, figures, rounds, what):
    """Kills, and what each successor has to restore."""
    run.pause(2)
    for _ in range(rounds):
        _, successor = restart_one(run, True, figures.gaps[what])
        run.pause(2)
        restored = sum(successor.metrics().get("records_restored_total", {}).values())
        ends = sum(int(line.split()[3]) for line in run.probe("ends", *map(run.changelog, STORES)).splitlines())
        figures.texts[f"records restored, of all in the changelogs, {what}"].append(f"{restored:.0f} of {ends:.0f}")


def roll(run, figures, kill):
    """Each of three static members goes and comes back, while the others go on: nobody else is to notice."""
    run.pause(2)
    before = run.broker.generations(run.application)
    how = "SIGKILL" if kill else "SIGTERM"
    for _ in range(len(run.fleet.workers)):
        restart_one(run, kill, figures.gaps[f"{how} and restart of 1 of 3 static members"])
        run.pause(2)
    rebalances = run.broker.generations(run.application) - before
    figures.texts[f"rebalances while 3 static members restart after {how}"].append(str(rebalances))
    if rebalances > 0:
        run.violate("rolling restart", f"the group was rebalanced {rebalances} times")


def kill_in_rebalance(run, figures, rounds):
    """A fourth member joins, and the static ones die when they are told to give tasks back. They come back under their names, while the group still
    counts on them: with what it had left them, and without what they were to give back."""
    run.pause(2)
    for _ in range(rounds):
        for worker in list(run.fleet.workers):
            run.fleet.stop(worker)
            run.fleet.add(home=worker.home, verb="work", extra=["--kill-at", "in-revoked:1"])
            run.fleet.wait_settled(SETTLE_S)
        run.pause(2)
        victims = list(run.fleet.workers)
        fourth = run.fleet.add()
        for victim in victims:
            run.prove_within(20, f"{victim.name} died when it was to give tasks back",
                             lambda victim=victim: victim.process.poll() is not None and "chaos-point in-revoked" in victim.text())
            run.fleet.forget(victim)
        begin = time.time()
        for victim in victims:
            run.fleet.add(home=victim.home)
        run.fleet.wait_settled(SETTLE_S)
        took = time.time() - begin
        figures.texts["static members killed in a rebalance, until all tasks run"].append(f"{took:.1f} s")
        if took > STATIC_SESSION_MS / 1000:
            run.violate("C8", f"not all tasks ran for {took:.1f} s, the session lasts {STATIC_SESSION_MS / 1000:.0f} s")
        run.fleet.stop(fourth)
        run.fleet.wait_settled(SETTLE_S)
        run.pause(2)


def kill_late(run, figures):
    """Kills when stores have had time to be written to files; a successor may restore only what was written since, store by store."""
    run.pause(2 * BOUND_S)
    killed = []
    for _ in range(len(run.fleet.workers)):
        begin, successor = restart_one(run, True, figures.gaps["SIGKILL and restart of 1 of 3 static members"])
        run.pause(1)
        killed.append((begin, successor))
    run.at_judgement(functools.partial(check_restored, run, figures, killed))


def check_restored(run, figures, killed, changelogs):
    """`changelogs`: their records by store, read when all had ended."""
    for begin, successor in killed:
        restored = re.findall(r"restored (\d+) records from (\S+)-(\d+) \(event=restore-ended", successor.text())
        allowed, whole, count = 0, 0, 0
        for records, topic, partition in restored:
            store = next(store for store in STORES if run.changelog(store) == topic)
            times = [r.timestamp / 1000 for r in changelogs[store] if r.partition == int(partition) and r.timestamp / 1000 <= begin]
            bound = sum(at >= begin - BOUND_S - SLACK_S for at in times)
            allowed, whole, count = allowed + bound, whole + len(times), count + int(records)
            if int(records) > bound:
                run.violate("bound", f"{successor.name} restored {records} records from {topic}-{partition}, of {bound} of the last {BOUND_S} s")
        run.note(f"{successor.name} restored {count} records, bound {allowed}, all {whole}")
        figures.texts[f"records restored after SIGKILL on the same disk (bound: those of {BOUND_S} s; all)"].append(f"{count} ({allowed}; {whole})")


def measures(figures, rounds):
    """(name, fault) of each run."""
    part = functools.partial
    yield "restarts", Fault(part(restart_each, figures=figures, rounds=rounds, what="graceful restart of 1 of 3 workers"))
    yield "kills", Fault(part(kill_and_count, figures=figures, rounds=rounds, what="SIGKILL of 1 of 3 workers"))
    yield "rolling restart", Fault(part(roll, figures=figures, kill=False), static=True)
    yield "rolling kills", Fault(part(roll, figures=figures, kill=True), static=True)
    yield "kills in a rebalance", Fault(part(kill_in_rebalance, figures=figures, rounds=min(rounds, 3)), static=True)
    yield "late kills", Fault(part(kill_late, figures=figures), static=True,
                              settings=("--set", f"state.flush.interval.ms={1000 * BOUND_S}"))


def peer_measures(figures, rounds):
    """The same of Kafka Streams. Its close() leaves the group only if the program asks for it."""
    part = functools.partial
    close = "Kafka Streams, close() and restart of 1 of 3 workers"
    leave = "Kafka Streams, close(LEAVE_GROUP) and restart of 1 of 3 workers"
    kill = "Kafka Streams, SIGKILL of 1 of 3 workers"
    yield "restarts", Fault(part(restart_each, figures=figures, rounds=rounds, what=close), peer=True)
    yield "restarts with leave", Fault(part(restart_each, figures=figures, rounds=rounds, what=leave), peer=True, settings=("--leave", "true"))
    yield "kills", Fault(part(kill_and_count, figures=figures, rounds=rounds, what=kill), peer=True)
