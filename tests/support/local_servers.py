"""Servers on this machine, as the project's scripts start and stop them."""

import os
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def output_of(*command, **environment):
    """What a command prints; an error with all that it said if it fails."""
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment})
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def script(name, *arguments, **environment):
    """Runs scripts/<name>; what stands behind the = of its last line: bootstrap.servers, a port."""
    last = output_of(SOURCE / "scripts" / name, *arguments, **environment).strip().rpartition("\n")[2]
    return last.partition("=")[2] or last


class S3:
    """moto with a bucket named warehouse, which checks signatures. Runs until stop()."""

    REGION = "us-east-1"

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, SOURCE / "tests/warehouse/storage/moto_server.py"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        said = self.process.stdout.readline().split()
        if len(said) != 3:
            raise RuntimeError(f"moto ended with {self.process.wait()}; run tests/warehouse/storage/moto_server.py to see why")
        self.port, self.access_key, self.secret_key = said
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.environment = {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key}
        # Settings of a warehouse, without "warehouse."; and what pyiceberg calls the same.
        self.settings = {"s3.endpoint": self.endpoint, "s3.path-style-access": "true", "s3.region": self.REGION}
        self.reading = {"s3.endpoint": self.endpoint, "s3.region": self.REGION, "s3.access-key-id": self.access_key,
                        "s3.secret-access-key": self.secret_key}

    def stop(self):
        self.process.kill()
        self.process.communicate()
