"""What happens to worker processes: they die, stand still, come and go.

Each fault gets the run, does its harm while the input flows, proves it, and returns when it is healed.
"""

import signal
import time

import checks
from broker import process_state
from run import SESSION_MS, SETTLE_S, TRANSACTION_MS
from stopped_thread import HeldThread, threads_named

ABORTED = "event=transaction-aborted"
STALL = "event=chaos-stall"


def kill_one(run):
    """F1: SIGKILL of one worker. A successor takes over its disk, or comes with an empty one."""
    victim = run.random.choice(run.fleet.workers)
    if run.random.random() < 0.5:
        # State that stands on the disk for a while already.
        run.fleet.stop(victim)
        victim = run.fleet.add(home=victim.home)
        run.fleet.wait_settled(SETTLE_S)
        run.pause(1, 2)
    checks.Spared(run, victim)
    run.prove(run.fleet.kill(victim), f"{victim.name} was killed")
    before = checks.read_stores(run, victim.home, run.bad)
    run.pause(0, 3)
    successor = run.fleet.add(home=victim.home if run.random.random() < 0.7 else None)
    run.fleet.wait_settled(SETTLE_S)
    if successor.home == victim.home:
        checks.check_reuse(run, successor, before)


# Points of kill_points.h with the largest number of times that a worker is let past, and what brings one there.
POINTS = {
    "after-producer-made": 2, "in-assigned": 1, "in-restore": 200, "before-read": 3, "before-begin": 20, "in-transaction": 400,
    "before-send-offsets": 20, "after-send-offsets": 20, "after-commit": 20, "in-revoked": 1, "after-revoked": 1, "before-leave": 1,
}
TRANSACTIONAL = {"after-producer-made", "before-begin", "in-transaction", "before-send-offsets", "after-send-offsets", "after-commit"}


def die_at_point(run):
    """F2: a worker that joins dies at a named point of its life: round the transaction, in a restore, in a rebalance."""
    points = [point for point in POINTS if run.exactly_once or point not in TRANSACTIONAL]
    point = points[run.seed % len(points)]
    times = run.random.randint(1, POINTS[point])
    victim = run.fleet.add(verb="work", extra=["--kill-at", f"{point}:{times}"])
    if point in ("in-revoked", "after-revoked"):
        run.fleet.wait_settled(SETTLE_S)
        run.fleet.add()
        # The group may take the newcomer's tasks from the others.
        run.pause(4)
        if victim.alive():
            victim.process.send_signal(signal.SIGTERM)
    if point == "before-leave":
        run.fleet.wait_settled(SETTLE_S)
        victim.process.send_signal(signal.SIGTERM)
    run.prove_within(30, f"{victim.name} died at {point}, passed {times - 1} times",
                     lambda: victim.process.poll() == -signal.SIGKILL and f"chaos-point {point}" in victim.text())
    run.fleet.forget(victim)
    run.pause(0, 3)
    run.fleet.add(home=victim.home)


def kill_all(run):
    """F3: SIGKILL of all workers together."""
    victims = list(run.fleet.workers)
    for worker in victims:
        worker.process.send_signal(signal.SIGKILL)
    for worker in victims:
        run.prove(run.fleet.kill(worker), f"{worker.name} was killed")
    run.pause(0, 3)
    for worker in victims:
        run.fleet.add(home=worker.home)


def stop_one(run):
    """F4: a process, or one of its threads, stands still for longer than session and transaction may, and goes on as a zombie."""
    victim = run.random.choice(run.fleet.workers)
    if run.random.random() < 0.5:
        stop_process(run, victim)
    else:
        stop_thread(run, victim)


def stop_process(run, victim):
    pid = victim.process.pid
    spared = checks.Spared(run, victim)
    victim.process.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    run.prove_within(2, f"{victim.name} is stopped (state T)", lambda: process_state(pid) == "T")
    run.fleet.workers.remove(victim)
    try:
        run.fleet.wait_settled(SETTLE_S)
        run.prove(process_state(pid) == "T", f"the others took over all tasks of the stopped {victim.name}")
        time.sleep(max(0.0, began + (SESSION_MS + TRANSACTION_MS) / 1000 + run.random.uniform(0, 1) - time.monotonic()))
        spared.end = time.time()
        run.prove(process_state(pid) == "T", f"stopped for {time.monotonic() - began:.1f} s")
    finally:
        run.fleet.workers.append(victim)
        victim.process.send_signal(signal.SIGCONT)
    run.note(f"{victim.name} goes on")
    run.prove_within(20, f"{victim.name} saw that it had lost its tasks or its transaction",
                     lambda: "event=tasks-lost" in victim.text() or ABORTED in victim.text())


def stop_thread(run, victim):
    """Until it was stopped inside a transaction: the broker ends that, and refuses the thread when it goes on."""
    for _ in range(4):
        thread = run.random.choice(threads_named(victim.process.pid, "worker-"))
        held = HeldThread(thread)
        began = time.monotonic()
        try:
            run.prove(process_state(victim.process.pid, thread) == "t", f"a thread of {victim.name} is stopped (state t)")
            run.pause(TRANSACTION_MS / 1000 + 1, TRANSACTION_MS / 1000 + 2)
            run.prove(process_state(victim.process.pid, thread) == "t", f"stopped for {time.monotonic() - began:.1f} s")
        finally:
            held.release()
        run.pause(1)
        if not run.exactly_once or ABORTED in victim.text():
            break
        run.note("it was stopped between two transactions")
    if run.exactly_once:
        run.prove(ABORTED in victim.text(), f"{victim.name} gave up a transaction that the broker had ended")


def join_and_leave(run):
    """F5: workers join and leave every two seconds, so that commits meet rebalances."""
    before = run.fleet.counter("rebalances_total")
    for _ in range(2):
        run.fleet.add()
        run.pause(1.5, 2.5)
        run.fleet.stop(run.random.choice(run.fleet.workers))
        run.pause(1.5, 2.5)
    run.prove_within(5, "the group was rebalanced at least four times", lambda: run.fleet.counter("rebalances_total") >= before + 4)


def outlast_transaction(run):
    """F10: a user's function hangs in all workers for longer than a transaction may be open, and then goes on to the commit."""
    run.stall_file.touch()
    # Who has only tasks behind the repartition soon has no input.
    run.prove_within(5, "workers stand in the user's function",
                     lambda: sum(STALL in worker.text() for worker in run.fleet.workers) >= len(run.fleet.workers) - 1)
    run.pause(TRANSACTION_MS / 1000 + 1, TRANSACTION_MS / 1000 + 2)
    run.stall_file.unlink()
    if run.exactly_once:
        run.prove_within(20, "transactions that the broker had ended were given up",
                         lambda: any(ABORTED in worker.text() for worker in run.fleet.workers))


def scale(run):
    """F19: 1, 2, 3, 6 and 1 worker."""
    for size in [1, 2, 3, 6, 1]:
        while len(run.fleet.workers) > size:
            run.fleet.stop(run.random.choice(run.fleet.workers))
        while len(run.fleet.workers) < size:
            run.fleet.add()
        run.fleet.wait_settled(SETTLE_S)
        run.prove(True, f"{size} workers had all tasks")
        run.pause(0.2, 1)
