"""What happens to the disks of workers."""

import json
import os
import re
import shutil
import signal
import subprocess
import time

from run import SETTLE_S, Probe

# Room for all that opening the stores of some tasks at once writes ahead.
DISK = "64m"
# So many keys that a store has dozens of blocks, of which opening it reads the first and the last.
KEYS = 12000
LARGE_BYTES = 32 << 10
FLOOD_RATE = 5000
FLOOD_S = 8


def stores_of(run, worker):
    """Folders of the stores in a worker's home."""
    root = run.folder / worker.home / run.application
    return sorted(path.parent for path in root.glob("*_*/*/CURRENT"))


def flip(path, random):
    """Another value for one byte in the middle half of the file."""
    size = path.stat().st_size
    at = random.randrange(size // 4, max(size // 4 + 1, size * 3 // 4))
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ (1 << random.randrange(8))]))
        file.flush()
        os.fsync(file.fileno())


def damage(run, store, kind):
    """Returns what was done, None if the store has no such file."""
    files = {"SST": list(store.glob("*.sst")), "MANIFEST": list(store.glob("MANIFEST-*")), "CURRENT": [store / "CURRENT"]}
    what, name = kind.split()
    if not files[name]:
        return None
    path = run.random.choice(files[name])
    if what == "flip":
        flip(path, run.random)
    else:
        path.unlink()
    return f"{what} {store.parent.name}/{store.name}/{path.name}"


DAMAGES = ["flip SST", "flip MANIFEST", "flip CURRENT", "delete SST", "delete MANIFEST", "delete CURRENT"]
FOREIGN = [{"format": 99}, {"application": "another"}]


def corrupt_state(run):
    """F13: a worker comes back to a disk whose files are damaged, or whose directory is not its own."""
    victim = run.random.choice(run.fleet.workers)
    run.fleet.stop(victim)
    kinds = DAMAGES + FOREIGN
    kind = kinds[run.seed % len(kinds)]
    if isinstance(kind, dict):
        foreign_directory(run, victim, kind)
        return
    if kind == "flip SST":
        damage_unseen(run, victim)
        return
    done = [what for what in (damage(run, store, kind) for store in stores_of(run, victim)) if what]
    run.prove(len(done) > 0, f"{len(done)} stores of {victim.home} were damaged: {done[:3]}")
    successor = run.fleet.add(home=victim.home)
    run.fleet.wait_settled(SETTLE_S)
    run.prove_within(10, "a damaged store was set aside and kept", lambda: "event=state-set-aside" in successor.text())


def damage_unseen(run, stopped):
    """Damage in the middle of large stores, which shows when they are used. One worker has all tasks, so that it meets it all."""
    for worker in list(run.fleet.workers):
        run.fleet.stop(worker)
    victim = run.fleet.add(home=stopped.home)
    flood(run, 1)
    run.fleet.wait_settled(SETTLE_S)
    drained(run)
    run.fleet.stop(victim)
    large = {store: file for store, file in map(largest_table, stores_of(run, victim)) if file.stat().st_size > LARGE_BYTES}
    for file in large.values():
        flip(file, run.random)
    run.prove(len(large) >= 12, f"{len(large)} large stores of {victim.home} were damaged: {[f.name for f in large.values()][:3]}")
    worker = run.fleet.add(home=victim.home)
    run.fleet.wait_settled(SETTLE_S)
    flood(run, 2)
    expected = {(store.parent.name, store.name) for store in large}
    run.prove_within(90, f"each of {len(expected)} stores was set aside and kept, and nothing else",
                     lambda: set(re.findall(r"event=state-set-aside task=(\S+) store=([^\s)]+)", worker.text())) == expected)
    unseen = len(re.findall("given up: task .*event=(?:transaction-aborted|work-given-up)", worker.text()))
    run.prove(unseen > 0, f"{unseen} times damage showed while the worker ran, and it went on")
    run.fleet.wait_settled(SETTLE_S)
    drained(run)
    for _ in range(2):
        run.fleet.add()


def largest_table(store):
    return store, max(store.glob("*.sst"), key=lambda file: file.stat().st_size, default=store / "CURRENT")


def flood(run, number):
    """More keys than the steady input has; they are judged like it."""
    source = Probe(run.program, run.servers, "produce", run.topic("in"), "--rate", str(FLOOD_RATE), "--seed", str(number), "--keys",
                   str(KEYS), "--first-id", str(200_000 * number), "--out", str(run.folder / f"ledger-flood-{number}"))
    time.sleep(FLOOD_S)
    source.finish()


def drained(run):
    run.prove_within(SETTLE_S, "all of it was processed", lambda: max(run.fleet.look()[1].values(), default=1) < FLOOD_RATE / 5)


def foreign_directory(run, victim, change):
    marker = run.folder / victim.home / run.application / ".millrace"
    marker.write_text(json.dumps({**json.loads(marker.read_text()), **change}))
    refused = run.fleet.add(home=victim.home)
    run.prove_within(30, f"the worker refused a directory of {change}", lambda: refused.process.poll() == 1)
    run.prove("state directory" in refused.text(), "and said so")
    run.fleet.forget(refused)
    shutil.move(run.folder / victim.home, run.folder / (victim.home + ".moved"))
    run.fleet.add(home=victim.home)


def disk_full(run):
    """F12: a worker's disk is full while it runs, and has space again; is full when it gives tasks back, ends and starts again."""
    home = "small-disk"
    disk = run.folder / home
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", str(disk)], check=True)
    try:
        victim = run.fleet.add(home=home, extra=("--set", "state.flush.interval.ms=1000"))
        run.fleet.wait_settled(SETTLE_S)
        fill(disk / "filler")
        run.prove(os.statvfs(disk).f_bavail == 0, "its disk is full")
        goes_on(run, victim, disk / "filler")
        fill(disk / "filler")
        run.prove(os.statvfs(disk).f_bavail == 0, "its disk is full again")
        run.fleet.add()
        run.fleet.wait_settled(SETTLE_S, every=False, may_end=victim)
        end(run, victim)
        # What it deleted at its end has made room.
        fill(disk / "more-filler")
        again = run.fleet.add(home=home)
        run.prove_within(15, "a worker met the full disk and said so",
                         lambda: any("No space left" in worker.text() for worker in (victim, again)))
        run.pause(1, 2)
        run.note(f"on the full disk {again.name} {'lives' if again.alive() else f'ended with {again.process.returncode}'}")
        for filler in disk.glob("*filler"):
            filler.unlink()
        if not again.alive():
            run.fleet.forget(again)
            run.fleet.add(home=home)
        run.fleet.wait_settled(SETTLE_S)
        run.at_end(lambda: subprocess.run(["umount", "-l", str(disk)], check=True))
    except BaseException:
        subprocess.run(["umount", "-l", str(disk)], check=False)
        raise


def goes_on(run, victim, filler):
    """A running worker meets the full disk, works on in memory, and writes what waits once there is space."""
    run.prove_within(20, "it met that while it ran", lambda: re.search(r"\[worker-\d+\].*No space left.*event=disk-full", victim.text()))
    run.prove_within(5, "its metrics show it", lambda: sum(victim.metrics()["disk_full_workers"].values()) >= 1)
    commits = sum(victim.metrics()["commits_total"].values())
    run.prove_within(10, "it goes on committing", lambda: sum(victim.metrics()["commits_total"].values()) > commits + 5)
    filler.unlink()
    run.prove_within(20, "it wrote its state when there was space", lambda: "event=disk-has-space" in victim.text())
    run.prove_within(20, "and nothing waits any more", lambda: not sum(victim.metrics()["disk_full_workers"].values()))
    run.prove(victim.alive(), "the same process")


def fill(path):
    with open(path, "wb") as file:
        size = 1 << 20
        while size > 0:
            try:
                os.write(file.fileno(), b"x" * size)
            except OSError:
                size //= 2


def end(run, victim):
    """A worker whose disk is full may have ended by itself, with an error; otherwise it ends when it is told to."""
    began = time.monotonic()
    if victim.alive():
        victim.process.send_signal(signal.SIGTERM)
    code = victim.process.wait(40)
    if victim in run.fleet.workers:
        run.fleet.forget(victim)
    run.note(f"{victim.name} ended with {code} after {time.monotonic() - began:.1f} s")
    run.prove(code in (0, 1), f"{victim.name} ended by itself, not by a signal")
