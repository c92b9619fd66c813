"""What happens to the disks of workers."""

import json
import os
import shutil
import signal
import subprocess
import time

from run import SETTLE_S

DISK = "24m"


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
    done = [what for what in (damage(run, store, kind) for store in stores_of(run, victim)) if what]
    run.prove(len(done) > 0, f"{len(done)} stores of {victim.home} were damaged: {done[:3]}")
    successor = run.fleet.add(home=victim.home)
    run.fleet.wait_settled(SETTLE_S)
    run.prove_within(10, "a damaged store was set aside and kept", lambda: "event=state-set-aside" in successor.text())


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
    """F12: a worker's disk is full while it runs, when it gives tasks back, when it ends and when it starts; then there is space."""
    home = "small-disk"
    disk = run.folder / home
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", str(disk)], check=True)
    try:
        victim = run.fleet.add(home=home)
        run.fleet.wait_settled(SETTLE_S)
        fill(disk / "filler")
        run.prove(os.statvfs(disk).f_bavail == 0, "its disk is full")
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
