"""How long outputs are silent when one of three workers goes, and what a successor restores from the changelogs."""

import functools
import time

from faults import Fault
from run import SESSION_MS, SETTLE_S


class Figures:
    def __init__(self):
        self.graceful, self.killed, self.restored = [], [], []

    def lines(self):
        yield "output gap, graceful restart of 1 of 3 workers: " + distribution(self.graceful)
        yield f"output gap, SIGKILL of 1 of 3 workers, session time-out {SESSION_MS / 1000:.0f} s: " + distribution(self.killed)
        yield "records restored after SIGKILL on the same disk: " + ", ".join(f"{n:.0f} of {of:.0f}" for n, of in self.restored)


def distribution(values):
    ordered = sorted(values)
    if not ordered:
        return "none"
    at = lambda share: ordered[min(len(ordered) - 1, int(share * len(ordered)))]  # noqa: E731
    return f"p50 {at(0.5):.2f} s, p99 {at(0.99):.2f} s, largest {ordered[-1]:.2f} s, {len(ordered)} times"


def restart_one(run, figures, rounds, kill):
    """Restarts one worker after the other on its own disk, while the input flows."""
    run.pause(2)
    for number in range(rounds):
        worker = run.fleet.workers[0]
        begin = time.time()
        if kill:
            run.prove(run.fleet.kill(worker), f"{worker.name} was killed")
        else:
            run.fleet.stop(worker)
        successor = run.fleet.add(home=worker.home)
        run.fleet.wait_settled(SETTLE_S)
        run.windows.append((begin, time.time() + 1, figures.killed if kill else figures.graceful))
        # The others settle before the next one goes.
        run.pause(2)
        if kill:
            restored = sum(successor.metrics().get("records_restored_total", {}).values())
            logs = [run.changelog(store) for store in ("stats", "groups", "sequences", "timers")]
            ends = sum(int(line.split()[3]) for line in run.probe("ends", *logs).splitlines())
            figures.restored.append((restored, ends))


def measured(figures, rounds, kill):
    return Fault(functools.partial(restart_one, figures=figures, rounds=rounds, kill=kill))
