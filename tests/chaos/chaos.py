#!/usr/bin/env python3
"""Faults on a real Kafka, and a judge that knows what must come out.

  chaos --fault F1[,F2...] [--runs N] [--seed S] [--guarantee exactly_once_v2|at_least_once]
  chaos --figures N      instead: gaps of the output in N graceful restarts and N kills, rebalances while static members restart, records
                         restored; the output is judged all the same. --peer kafka-streams: of the same topology in Kafka Streams

Each run: three worker processes of chaos_app with two threads each, 500 records a second, one fault, healing, the end of the input. A program of its own (chaos_probe,
model.py) then reads committed records and compares them with what the input asks for. The runs go round the faults. Every fault is logged and proven to
have happened; a run in which it did not is a failed run. Folders of failed runs are kept. Ends with `N runs, V violations`; exit code 1 if
V > 0.
"""

import argparse
import collections
import pathlib
import shutil
import sys
import tempfile
import time
import traceback

from broker import Broker
from faults import FAULTS
from figures import Figures, measures, peer_measures
from mutants import score
from run import RATE, NotProven, Run
from workers import PEER, output_of


def one(number, name, fault, arguments, broker, folder):
    """Executes a run; returns whether it is clean; None if it says nothing, because Kafka itself lost transactions (failures.md)."""
    seed = arguments.seed + number
    run = Run(number, seed, name, fault, arguments, broker, folder / f"run-{number}")
    violations = []
    try:
        violations = run.execute()
    except NotProven as error:
        violations = [f"the fault did not happen: {error}"]
    except Exception:  # A run that cannot be judged is not a clean one.
        violations = [traceback.format_exc()]
    results = ", ".join(f"{name} {value}" for name, value in run.results.items())
    void = bool(violations and run.kafka_lost)
    verdict = "void, Kafka lost transactions" if void else "VIOLATED" if violations else "ok"
    print(f"run {number + 1}: {name} seed {seed}: {verdict}; {time.time() - run.began:.1f} s; "
          f"{results}; proven: {'; '.join(run.proven)}", flush=True)
    for violation in violations:
        print(f"  {violation}", flush=True)
    if violations:
        print(f"  kept: {run.folder}\n  again: chaos --fault {name} --runs 1 --seed {seed} --guarantee {arguments.guarantee}",
              flush=True)
    run.close(keep=bool(violations) or arguments.keep)
    return None if void else not violations


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--fault", default="all", help=f"of {', '.join(FAULTS)}, with commas; default: all")
    parser.add_argument("--figures", type=int, metavar="N", help="measure N restarts and N kills")
    parser.add_argument("--only", help="of the measures, those whose names have this in them")
    parser.add_argument("--peer", choices=["kafka-streams"], help="measure this instead of Millrace; is built first")
    parser.add_argument("--runs", type=int, help="default: one for each fault")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--guarantee", choices=["exactly_once_v2", "at_least_once"], default="exactly_once_v2")
    parser.add_argument("--unguarded", action="store_true",
                        help="the first workers keep producers whose requests were not answered: F8 must find violations")
    parser.add_argument("--transaction-version", type=int, choices=[1, 2], help="of the cluster; default: Kafka's")
    parser.add_argument("--mutant", help="a bug (of simulate) that is switched on in all workers: should be found")
    parser.add_argument("--mutants", action="store_true", help="instead: bugs one after the other, which must be found; prints the score")
    parser.add_argument("--rate", type=int, default=RATE, help="records a second")
    parser.add_argument("--keep", action="store_true", help="keep the folders of all runs")
    parser.add_argument("--verbose", action="store_true", help="print what happens as it happens")
    arguments = parser.parse_args()
    possible = [name for name, fault in FAULTS.items() if arguments.guarantee == "exactly_once_v2" or not fault.transactional]
    faults = possible if arguments.fault == "all" else arguments.fault.split(",")
    unknown = [fault for fault in faults if fault not in possible]
    if unknown:
        parser.error(f"there is no fault {', '.join(unknown)} at {arguments.guarantee}; there are {', '.join(possible)}")
    if arguments.peer and not arguments.figures:
        parser.error("--peer is for --figures")
    if arguments.peer:
        output_of(PEER, "build")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="millrace-chaos-"))
    broker = Broker(folder / "kafka", arguments.transaction_version)
    violated = 1
    try:
        print(f"bootstrap.servers={broker.start()}, folders in {folder}", flush=True)
        if arguments.mutants:
            violated = score(arguments, broker, folder)[1]
            return 1 if violated else 0
        runs, violated = (figures if arguments.figures else go_round)(arguments, faults, broker, folder)
    finally:
        broker.stop()
        if violated == 0 and not arguments.keep:
            shutil.rmtree(folder)
    print(f"{runs} runs, {violated} violations")
    return 1 if violated else 0


def go_round(arguments, faults, broker, folder):
    runs = arguments.runs or len(faults)
    clean = collections.Counter()
    void = 0
    for number in range(runs):
        name = faults[number % len(faults)]
        verdict = one(number, name, FAULTS[name], arguments, broker, folder)
        void += verdict is None
        clean[name] += verdict is True
    for name in faults:
        print(f"{name}: {clean[name]} clean runs")
    if void:
        print(f"{void} more runs are void: a broker that was killed lost transactions, which is Kafka's doing")
    judged = runs - void
    violated = judged - clean.total()
    if violated == 0 and judged > 0:
        print(f"violations in fewer than {min(300 / judged, 100):.1f} % of such runs, at 95 % (rule of three)")
    return judged, violated


def figures(arguments, _, broker, folder):
    found = Figures()
    violated = 0
    every = (peer_measures if arguments.peer else measures)(found, arguments.figures)
    wanted = [(name, fault) for name, fault in every if (arguments.only or "") in name]
    for number, (name, fault) in enumerate(wanted):
        violated += not one(number, name, fault, arguments, broker, folder)
    for line in found.lines():
        print(line)
    return len(wanted), violated


if __name__ == "__main__":
    sys.exit(main())
