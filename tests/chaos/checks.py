"""What is checked besides the output: the disks of workers, how those go on that a fault spares, and what processes use.

Stores are read with RocksDB alone (chaos_stores), changelogs by chaos_probe: nothing of Millrace judges its state.
"""

import collections
import pathlib
import re
import signal
import subprocess
import time

import model

Store = collections.namedtuple("Store", "offset entries")

SETTLE_S = 40
SPARED_RECORDS = 100
MOST_FDS = 600
MOST_RSS_MB = 300
RESTORE_STARTED = re.compile(r"offsets (\d+) to \d+ \(event=restore-started task=(\S+) store=([^ )]+)")
SET_ASIDE = re.compile(r"event=state-set-aside task=(\S+) store=([^ )]+)")
GAVE_UP = re.compile(r"^chaos-gave-up (\S+)$", re.M)
DEATHS = re.compile(r"AddressSanitizer|ThreadSanitizer|UndefinedBehaviorSanitizer|runtime error:|terminate called|pure virtual")


def read_stores(run, home, bad=None):
    """{(task, store): Store} of a home; what cannot be read is left out, and told to `bad`."""
    folder = run.folder / home / run.application
    if not folder.exists():
        return {}
    program = str(pathlib.Path(run.arguments.bin) / "chaos_stores")
    out = subprocess.run([program, str(folder)], stdout=subprocess.PIPE, check=True, text=True).stdout
    stores = {}
    for line in out.splitlines():
        kind, task, store, *rest = line.split()
        if kind == "store":
            stores[task, store] = Store(None if rest[0] == "-" else int(rest[0]), {})
        elif kind == "entry":
            stores[task, store].entries[rest[0]] = rest[1]
        elif bad is not None:
            bad.add("C7 store", f"{home}/{task}/{store} cannot be read: {rest}")
    return stores


def check_reuse(run, worker, before):
    """A worker on a disk that held `before` restores each store from where the disk had come, not from the beginning."""
    text = worker.text()
    aside = set(SET_ASIDE.findall(text))
    seen = set()
    for offset, task, store in RESTORE_STARTED.findall(text):
        had = before.get((task, store))
        if had is None or had.offset is None or (task, store) in aside or (task, store) in seen:
            continue
        seen.add((task, store))
        if int(offset) < had.offset:
            run.violate("C7 reuse", f"{worker.name} restored {store} of {task} from {offset}, its disk had come to {had.offset}")
    useful = sum(1 for store in before.values() if store.offset)
    run.note(f"{worker.name}: {useful} stores of {worker.home} had an offset, {len(seen)} were restored from there on")


def restart(run, homes):
    """When all have ended: one worker on one of their disks takes all tasks, and in a third of the runs one on an empty disk.
    {what: {(task, store): Store}}"""
    disks = {"a kept disk": run.random.choice(homes)}
    if run.seed % 3 == 0:
        disks["an empty disk"] = None
    found = {}
    for what, home in disks.items():
        before = read_stores(run, home) if home else {}
        worker = run.fleet.add(home=home)
        run.fleet.wait_settled(SETTLE_S)
        check_reuse(run, worker, before)
        run.fleet.stop(worker)
        found[what] = read_stores(run, worker.home, run.bad)
    return found


def check_states(run, restarted, expected):
    """Every store of the application after each restart, against the model and each other."""
    for what, stores in restarted.items():
        for name, values in expected.items():
            got = {}
            for (_, store), content in stores.items():
                for key, value in content.entries.items() if store == name else ():
                    value = model.numbers(value)
                    # At least once, a stranger's record may stand in another partition of a changelog.
                    if key not in got or (value or [0]) > got[key]:
                        got[key] = value
            model.compare(f"C7 store {name} on {what}", got, values, run.exactly_once, run.bad)
    kept, rebuilt = restarted.get("a kept disk"), restarted.get("an empty disk")
    if run.exactly_once and kept and rebuilt:
        for place in sorted(set(kept) | set(rebuilt)):
            one, other = (stores[place].entries if place in stores else None for stores in (kept, rebuilt))
            if one != other:
                run.violate("C7 rebuilt", f"{place} has {len(one or ())} entries on the kept disk, {len(other or ())} when rebuilt, or others")


def differences(store, changelog, partition):
    """[(key, value in the store, value by the changelog up to the store's offset)], where they differ."""
    replay = {r.key: r.value for r in changelog if r.partition == partition and r.offset < (store.offset or 0)}
    replay = {key: value for key, value in replay.items() if value != "%null"}
    keys = sorted(set(replay) | set(store.entries))
    return [(key, store.entries.get(key), replay.get(key)) for key in keys if replay.get(key) != store.entries.get(key)]


def check_disks(run, changelogs):
    """Exactly once: each store on any disk, also of workers that were killed, is what its changelog gives up to the store's own offset."""
    if not run.exactly_once:
        return
    checked = 0
    for home in sorted(path.name for path in run.folder.glob("home-*") if path.is_dir()):
        for (task, name), store in read_stores(run, home, None if run.fault.damages else run.bad).items():
            checked += store.offset is not None
            differ = differences(store, changelogs[name], int(task.split("_")[1]))
            if differ:
                key, got, wanted = differ[0]
                run.violate("C7 disk", f"{home}/{task}/{name} at offset {store.offset}: {len(differ)} keys differ, {key} is {got}, its "
                            f"changelog gives {wanted}")
    run.note(f"{checked} stores with an offset compared with their changelogs")


def check_transactions(run, records):
    """C5: nothing that a worker wrote in a transaction that it gave up is ever read."""
    given_up = {name for worker in [*run.fleet.gone, *run.fleet.workers] for name in GAVE_UP.findall(worker.text())}
    named = sum(r.transaction != "-" for r in records)
    run.note(f"{named} of {len(records)} records name their transactions; {len(given_up)} transactions were given up")
    for r in records:
        if r.transaction in given_up:
            run.violate("C5", f"{r.topic}-{r.partition} offset {r.offset} is of the transaction {r.transaction}, which was given up")


def partitions_read(run, workers):
    """Partitions of the input that the tasks of these workers read."""
    found = set()
    for worker in workers:
        for labels in worker.metrics().get("source_lag_records", {}):
            if f'topic="{run.topic("in")}"' in labels:
                found.add(int(re.search(r'partition="(\d+)"', labels)[1]))
    return found


class Spared:
    """The partitions that a fault does not touch, from its beginning until it is healed."""

    def __init__(self, run, victim):
        # A partition is shown when its end is known, a second after its task has come.
        run.wait_for(10, lambda: len(partitions_read(run, run.fleet.workers)) == run.partitions)
        self.partitions = partitions_read(run, [worker for worker in run.fleet.workers if worker is not victim])
        self.begin = time.time()
        self.end = None
        run.spared.append(self)


def check_progress(run, echo):
    """C8: those go on while the fault lasts."""
    for spared in run.spared:
        end = spared.end or run.healed
        records = sum(1 for r in echo if r.partition in spared.partitions and spared.begin <= r.seen_ms / 1000 <= end)
        run.note(f"{records} records of spared partitions {sorted(spared.partitions)} in {end - spared.begin:.1f} s")
        run.results["spared"] = records
        if records < SPARED_RECORDS:
            run.violate("C8", f"only {records} records of the spared partitions {sorted(spared.partitions)} in {end - spared.begin:.1f} s of the fault")


def look_at_resources(run):
    """C9: what living workers use, near the end of the run."""
    for worker in run.fleet.workers:
        process = pathlib.Path(f"/proc/{worker.process.pid}")
        fds = len(list((process / "fd").iterdir()))
        rss_mb = int(re.search(r"VmRSS:\s+(\d+)", (process / "status").read_text())[1]) // 1024
        run.results["fds"] = max(fds, run.results.get("fds", 0))
        run.results["rss_mb"] = max(rss_mb, run.results.get("rss_mb", 0))
        if fds > MOST_FDS or rss_mb > MOST_RSS_MB:
            run.violate("C9", f"{worker.name} has {fds} open files and {rss_mb} MB of memory")


def check_ends(run):
    """C9: no worker died of itself, or said that a sanitizer had found something."""
    for worker in [*run.fleet.gone, *run.fleet.workers]:
        code = worker.process.poll()
        if code is not None and code < 0 and code != -signal.SIGKILL:
            run.violate("C9", f"{worker.name} died of signal {-code}")
        found = DEATHS.search(worker.text())
        if found:
            run.violate("C9", f"{worker.name} says {found[0]}: {worker.text()[found.start():][:500]}")
