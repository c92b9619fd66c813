"""What happens to the broker and to what it holds."""

import signal
import time

import proxy
from broker import alive, process_state
from run import SETTLE_S


def restart_broker(run):
    """F6: the broker ends cleanly, is killed, or stands still, and comes back."""
    kind = run.random.choice(["SIGTERM", "SIGKILL", "SIGSTOP"])
    pid = run.broker.pid()
    if kind == "SIGSTOP":
        run.broker.kill(signal.SIGSTOP)
        try:
            run.prove_within(2, "the broker is stopped (state T)", lambda: process_state(pid) == "T")
            run.pause(1, 8)
            run.prove(process_state(pid) == "T", "it stayed so")
        finally:
            run.broker.kill(signal.SIGCONT)
        return
    run.broker.kill(getattr(signal, kind))
    run.prove(not alive(pid), f"the broker is gone after {kind}")
    run.pause(0, 3)
    run.broker.start()
    run.prove(alive(run.broker.pid()) and run.broker.pid() != pid, "another one runs")
    run.kafka_lost = run.broker.lost_markers(run.application)
    for line in run.kafka_lost:
        run.note(f"the broker gave up markers of transactions at its start, which stay open: {line[:300]}")


def open_transaction_under_restore(run):
    """F11: a producer dies with an open transaction in a changelog, workers go on writing to it until they die too, and others restore from
    it, without local state, while that transaction is open: what is committed above it must be in what they restore."""
    store = run.random.choice(["stats", "groups", "sequences"])
    changelog = run.changelog(store)
    key = "group1" if store == "groups" else "k1"
    ends = lambda: [(int(stable), int(high)) for _, _, stable, high in map(str.split, run.probe("ends", changelog).splitlines())]  # noqa: E731
    run.probe("open-transaction", changelog, "--key", key, "--seed", str(run.seed), "--count", "1")
    opened = ends()
    above = lambda: sum(high - before for (stable, high), (_, before) in zip(ends(), opened) if stable < before)  # noqa: E731
    run.pause(2)
    run.prove_within(10, f"others write to {changelog} above an open transaction", lambda: above() > 30)
    victims = list(run.fleet.workers)
    for worker in victims:
        run.prove(run.fleet.kill(worker), f"{worker.name} was killed")
    for _ in victims:
        run.fleet.add()
    began = time.monotonic()
    run.prove_within(SETTLE_S, "restores have begun", lambda: all("event=restore-started" in w.text() for w in run.fleet.workers))
    offsets = above()
    run.prove(offsets > 30, f"while the transaction was open, with {offsets} offsets above it")
    # A restore that does not wait has its tasks running by now.
    run.pause(2)
    run.probe("end-transaction", changelog, "--seed", str(run.seed))
    run.fleet.wait_settled(SETTLE_S)
    run.note(f"restored {run.fleet.counter('records_restored_total'):.0f} records in {time.monotonic() - began:.1f} s")
    run.prove(run.fleet.counter("records_restored_total") > 0, "the stores were restored")


def break_connections(run):
    """F9: between workers and broker, answers come late, connections break in the middle of a frame, requests or answers are lost."""
    kind = run.random.choice(["late", "half a request", "half an answer", "lost request", "lost answer"])
    every = run.random.randint(15, 60)
    rule = (proxy.Delay(run.random, 0.2) if kind == "late" else proxy.Break(
        every, half=kind.startswith("half"), to_broker=kind.endswith("request")))
    run.note(f"from now on: {kind}" + ("" if kind == "late" else f", every {every} frames"))
    run.broker.proxy.rule = rule
    run.pause(3, 6)
    run.broker.proxy.rule = None
    run.prove(rule.count > 0, f"{kind}: {rule.count} frames")


def hold_end_of_transaction(run):
    """F8: a request of a transaction, its end or what it holds, is late, is repeated by the client, and reaches the broker in the next
    transaction, whose worker dies. Without the guard only the end is sure to be taken for the wrong one."""
    key = proxy.END_TXN if run.arguments.unguarded else run.random.choice(list(proxy.NAMES))
    rule = proxy.HoldRequest(key, skip=run.random.randint(5, 40))
    run.broker.proxy.rule = rule
    try:
        run.prove(rule.sent.wait(30), f"a request {proxy.NAMES[key]} was held, repeated, and sent on in the next transaction of its producer")
        run.prove(rule.answered.wait(10), f"the broker answered it with error {rule.error}")
        victims = list(run.fleet.workers)
        for worker in victims:
            run.prove(run.fleet.kill(worker), f"{worker.name} was killed")
    finally:
        run.broker.proxy.rule = None
    for worker in victims:
        run.fleet.add(home=worker.home)
