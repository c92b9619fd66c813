"""The broker of a chaos program: one for many runs, with a listener that goes through proxies."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import time

from proxy import Proxy

SOURCE = pathlib.Path(__file__).resolve().parents[2]
KAFKA = str(SOURCE / "scripts/kafka")
START_S = 90


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Broker:
    def __init__(self, folder, transaction_version=None):
        self.folder = pathlib.Path(folder)
        self.transaction_version = transaction_version
        # The time-outs that a run waits for, as low as Kafka has them.
        self.settings = ["group.min.session.timeout.ms=1000", "transaction.abort.timed.out.transaction.cleanup.interval.ms=500"]
        self.servers = None
        self.listener, self.front = free_port(), free_port()
        self.proxy = Proxy(self.front, self.listener)
        self.proxied_servers = f"127.0.0.1:{self.front}"

    def start(self):
        command = [KAFKA, "start", "--dir", str(self.folder), "--proxied", f"{self.listener}:{self.front}"]
        if self.transaction_version is not None:
            command += ["--transaction-version", str(self.transaction_version)]
        for setting in self.settings:
            command += ["--config", setting]
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if result.returncode != 0:
            raise RuntimeError(result.stdout)
        self.servers = re.search(r"bootstrap\.servers=(\S+)", result.stdout)[1]
        return self.servers

    def pid(self):
        return int((self.folder / "kafka.pid").read_text())

    def kill(self, number):
        """The signal, and for those that end it, waits until it is gone."""
        pid = self.pid()
        os.kill(pid, number)
        if number in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + START_S
            while alive(pid):
                if time.monotonic() > deadline:
                    raise RuntimeError(f"the broker {pid} does not end")
                time.sleep(0.05)
        return pid

    def stop(self):
        self.proxy.close()
        subprocess.run([KAFKA, "stop", "--dir", str(self.folder)], stdout=subprocess.DEVNULL)

    def generations(self, group):
        """How often the members of the group got their partitions: the rebalances, as the broker counts them."""
        log = (self.folder / "kafka.log").read_text(errors="replace")
        return len(re.findall(rf"Stabilized group {re.escape(group)} generation \d+ ", log))

    def lost_markers(self, application):
        """What the broker (4.3.1) says when, at its start or at its orderly end, it ends transactions without writing markers to partitions
        whose leaders it does not know: they stay open in those partitions for ever, for readers of committed records and restores."""
        lines = []
        for name in ("kafka-before.log", "kafka.log"):
            lines += (self.folder / name).read_text(errors="replace").splitlines()
        return [line for line in lines if "Couldn't find leader endpoint for partitions" in line and application in line]


def process_state(pid, thread=None):
    """The letter of /proc: R, S, T (stopped), t (held by a tracer), Z; None if it is gone."""
    path = f"/proc/{pid}/task/{thread}/stat" if thread else f"/proc/{pid}/stat"
    try:
        text = pathlib.Path(path).read_text()
    except OSError:
        return None
    return text[text.rindex(")") + 2]


def alive(pid):
    return process_state(pid) not in (None, "Z")
