"""Do the checkers see? Bugs switched on in all workers, each with a fault under which it must be found."""

import argparse

from faults import FAULTS
from run import NotProven, Run

ATTEMPTS = 10
GUARD_OFF = "guard-of-F8-off"
# What it is, and the fault; the names are those of simulate.
MUTANTS = [
    (GUARD_OFF, "F8"),
    ("restore-to-stable-offset", "F11"),
    ("changelog-outside-transaction", "F3"),
    ("stale-after-fence", "F19"),
    ("timer-twice", "F1"),
    ("offsets-left-out", "F3"),
    ("persist-before-commit", "F3"),
    ("restore-uncommitted", "F3"),
]


def found(number, name, fault, arguments, broker, folder):
    """What the run found; None if nothing."""
    switched = argparse.Namespace(**{**vars(arguments), "unguarded": name == GUARD_OFF, "mutant": None if name == GUARD_OFF else name})
    run = Run(number, arguments.seed + number, fault, FAULTS[fault], switched, broker, folder / f"run-{number}")
    try:
        violations = run.execute()
    except NotProven as error:
        print(f"  seed {run.seed}: {fault} did not happen: {error}", flush=True)
        violations = []
    except RuntimeError as error:  # A worker that ended by itself.
        violations = [str(error).splitlines()[0]]
    if not run.faults_began:
        print(f"  seed {run.seed}: the workers did not come up: {violations}", flush=True)
        violations = []
    run.close(keep=arguments.keep)
    return violations[0] if violations else None


def score(arguments, broker, folder):
    """(mutants, how many were not found)"""
    wanted = [(name, fault) for name, fault in MUTANTS if arguments.mutant in (None, name)]
    missed = 0
    number = 0
    for name, fault in wanted:
        for attempt in range(1, ATTEMPTS + 1):
            number += 1
            what = found(number, name, fault, arguments, broker, folder)
            if what:
                print(f"{name}: caught in run {attempt} of {fault}: {what[:200]}", flush=True)
                break
        else:
            missed += 1
            print(f"{name}: NOT caught in {ATTEMPTS} runs of {fault}", flush=True)
    print(f"{len(wanted) - missed} of {len(wanted)} mutants caught")
    return len(wanted), missed
