"""The worker processes of a run, seen through their metrics and logs."""

import re
import signal
import subprocess
import sys
import time

from broker import SOURCE

sys.path.insert(0, str(SOURCE / "tests/integration"))
from workers import Worker as SeenWorker  # noqa: E402

END_S = 40


class Worker(SeenWorker):
    def __init__(self, folder, number, home, command, environment):
        self.name, self.home = f"worker-{number}", home
        self.port = None
        self.log = open(folder / f"{self.name}.log", "w")
        state = ["--set", f"state.dir={folder / home}", "--set", "http.port=0"]
        self.process = subprocess.Popen([*command, *state], stdout=self.log, stderr=self.log, env=environment)

    def alive(self):
        return self.process.poll() is None


class Fleet:
    """Workers come and go; each has a home, the folder of its state, that a successor may take over. `command` is program, verb and options. With
    `static` the home is also the name of its member in the group."""

    def __init__(self, command, folder, tasks, note, static=False):
        self.command, self.folder, self.all_tasks, self.note, self.static = command, folder, tasks, note, static
        self.workers, self.names, self.homes = [], 0, 0
        self.gone = []

    def add(self, home=None, verb=None, extra=(), environment=None):
        self.names += 1
        if home is None:
            self.homes += 1
            home = f"home-{self.homes}"
        program, usual, *options = self.command
        member = ["--set", f"group.instance.id={home}"] if self.static else []
        worker = Worker(self.folder, self.names, home, [program, verb or usual, *options, *member, *extra], environment)
        self.workers.append(worker)
        self.note(f"{worker.name} started in {home}, process {worker.process.pid}")
        return worker

    def kill(self, worker):
        """SIGKILL; proven by the wait status."""
        worker.process.send_signal(signal.SIGKILL)
        code = worker.process.wait(10)
        self.forget(worker)
        self.note(f"{worker.name} SIGKILL, wait status {code}")
        return code == -signal.SIGKILL

    def forget(self, worker):
        self.workers.remove(worker)
        self.gone.append(worker)

    def stop(self, worker):
        """SIGTERM; seconds until its end. An end that is not clean is an error of the run."""
        began = time.monotonic()
        worker.process.send_signal(signal.SIGTERM)
        try:
            code = worker.process.wait(END_S)
        except subprocess.TimeoutExpired:
            worker.fail(f"does not end within {END_S} s of SIGTERM")
        self.forget(worker)
        took = time.monotonic() - began
        self.note(f"{worker.name} SIGTERM, exit code {code} after {took:.1f} s")
        if code != 0:
            worker.fail(f"ended with {code} after SIGTERM")
        return took

    def look(self, may_end=None):
        """(tasks that run, {(topic, partition): lag}) of all living workers."""
        tasks, lags = [], {}
        for worker in self.workers:
            if not worker.alive():
                if worker is may_end:
                    continue
                worker.fail(f"ended with code {worker.process.returncode}")
            metrics = worker.metrics()
            tasks.append(int(sum(v for labels, v in metrics.get("tasks", {}).items() if 'state="RUNNING"' in labels)))
            for labels, lag in metrics.get("source_lag_records", {}).items():
                place = re.search(r'topic="([^"]*)"', labels)[1], re.search(r'partition="([^"]*)"', labels)[1]
                lags[place] = lag
        return tasks, lags

    def wait_settled(self, seconds, every=True, may_end=None):
        """Until the living workers run all tasks; with `every`, each of them some. `may_end` is a worker that need not live."""
        began = time.monotonic()
        while True:
            tasks, lags = self.look(may_end)
            if sum(tasks) == self.all_tasks and (min(tasks) > 0 or not every):
                self.note(f"settled: tasks {tasks}")
                return
            if time.monotonic() - began > seconds:
                raise Stuck(f"C8: after {seconds} s the workers run {tasks} of {self.all_tasks} tasks; lags {lags}")
            time.sleep(0.1)

    def counter(self, name):
        return sum(sum(w.metrics().get(name, {}).values()) for w in self.workers)

    def end(self):
        for worker in [*self.workers, *self.gone]:
            if worker.alive():
                worker.process.kill()
                worker.process.wait()
            worker.log.close()


class Stuck(Exception):
    """Something that must happen did not, in time: a violation of C8."""
