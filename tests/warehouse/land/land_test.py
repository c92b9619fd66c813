"""The shop on a real Kafka: `run` lands its topics beside the topology, `land` shares that work and is killed, and `reset` begins anew.
Each record of an input topic must be one row of its table, as DuckDB reads it."""

import argparse
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

SOURCE = pathlib.Path(__file__).resolve().parents[3]
sys.path += [str(SOURCE / "tests/integration"), str(SOURCE / "tests/support")]
import duck  # noqa: E402
from workers import Worker, output_of, script  # noqa: E402

INPUTS = ["registrations", "orders", "deliveries", "payments"]
DEADLINE_S = 90
BIN: pathlib.Path


class LandTest(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="millrace-land-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        self.addCleanup(script, "kafka", "stop", "--dir", str(self.folder / "kafka"))
        self.servers = script("kafka", "start", "--dir", str(self.folder / "kafka"))
        self.settings = ["--bootstrap-servers", self.servers, "--set", f"warehouse.uri=file://{self.folder}/warehouse",
                         "--set", "warehouse.commit.interval.ms=300", "--set", "session.timeout.ms=6000"]
        self.workers = []
        self.addCleanup(lambda: [w.process.kill() for w in self.workers if w.process.poll() is None])
        written = output_of(f"{BIN}/tshirt", "generate", "--bootstrap-servers", self.servers, "--users", "2000", "--partitions", "3")
        self.records = int(written.split()[0])

    def start(self, name, command):
        self.workers.append(Worker(name, [f"{BIN}/tshirt", command, *self.settings], self.folder))
        return self.workers[-1]

    def rows(self):
        """(rows, distinct positions) over the tables of the inputs."""
        total = [0, 0]
        for table in INPUTS:
            counted = self.rows_of(f"default/{table}")
            total = [total[0] + counted[0], total[1] + counted[1]]
        return tuple(total)

    def until(self, what, condition):
        end = time.monotonic() + DEADLINE_S
        while not condition():
            for worker in self.workers:
                if worker.process.poll() not in (None, -signal.SIGKILL, 0):
                    worker.fail("it has ended")
            if time.monotonic() > end:
                self.fail(f"not within {DEADLINE_S} s: {what}; rows {self.rows()} of {self.records}\n" + self.workers[0].text()[-3000:])
            time.sleep(0.2)

    def ready(self, worker):
        if not worker.metrics():
            return None
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{worker.port}/readyz", timeout=5) as answer:
                return json.load(answer)
        except OSError:
            return None

    def reset(self, *flags):
        return output_of(f"{BIN}/tshirt", "reset", *self.settings, "--set", f"state.dir={self.folder}/run", *flags)

    def lands_by_configuration_alone(self):
        """`millrace` has no topology and no messages of its own. One of its tables fails, for its records are no such messages; the other
        is landed all the same."""
        others = Worker("others", [f"{BIN}/millrace", "land", *self.settings, "--set", "application.id=others", "--set",
                                   "warehouse.namespace=others", "--set", f"warehouse.descriptors={BIN}/tshirt.protoset", "--set",
                                   "warehouse.table.copies=payments millrace.tshirt.v1.Payment", "--set",
                                   "warehouse.table.wrong=orders millrace.tshirt.v1.Delivery", "--set",
                                   "warehouse.table.wrong.errors=fail"], self.folder)
        self.workers.append(others)
        payments = self.rows_of("default/payments")
        self.until("the copy has all payments", lambda: self.rows_of("others/copies") == payments)
        self.until("the wrong table has failed", lambda: [count for labels, count in others.metrics().get("warehouse_failed", {}).items()
                                                          if "others.wrong" in labels] == [1])
        self.workers.remove(others)
        self.assertEqual(others.end(signal.SIGTERM)[0], 1, others.text())
        self.assertIn("error: landing topic orders in table others.wrong: orders-", others.text())

    def ends_when_all_its_tables_have_failed(self):
        alone = Worker("alone", [f"{BIN}/millrace", "land", *self.settings, "--set", "application.id=alone", "--set", "warehouse.namespace=alone",
                                 "--set", f"warehouse.descriptors={BIN}/tshirt.protoset", "--set",
                                 "warehouse.table.wrong=orders millrace.tshirt.v1.Delivery"], self.folder)
        self.assertEqual(alone.process.wait(DEADLINE_S), 1)
        self.assertIn("error: landing topic orders in table alone.wrong: orders-", alone.text())

    def rows_of(self, table):
        location = self.folder / "warehouse" / table
        if not (location / "metadata/version-hint.text").exists():
            return (0, 0)
        return duck.iceberg().execute("select count(*), count(distinct (_topic_partition, _offset)) from iceberg_scan(?)", [str(location)]).fetchone()

    def test_each_record_is_one_row_while_landers_come_and_are_killed_and_a_reset_begins_anew(self):
        run = self.start("run", "run")
        self.until("the topology runs and lands", lambda: self.ready(run))
        self.assertEqual(self.ready(run)["warehouse"], {"ready": True, "waiting": []})
        killed = self.start("killed", "land")
        self.until("the second has landed", lambda: sum(killed.metrics().get("warehouse_commits_total", {}).values()) > 0 or
                   self.rows()[0] == self.records)
        killed.end(signal.SIGKILL)
        heir = self.start("heir", "land")
        self.until("every record is a row", lambda: self.rows()[1] == self.records)
        self.assertEqual(self.rows(), (self.records, self.records))
        landed = sum(rows for labels, rows in run.metrics()["warehouse_rows_total"].items()
                     if any(f'topic="{topic}"' in labels for topic in INPUTS))
        self.assertTrue(0 < landed <= self.records, landed)

        self.assertGreater(min(run.metrics()["warehouse_valid_through_seconds"].values()), 1.7e9)

        page = (SOURCE / "docs/warehouse.md").read_text()
        self.assertEqual([name for name in run.metrics() if name.startswith("warehouse_") and f"`{name}`" not in page], [])

        self.lands_by_configuration_alone()
        self.ends_when_all_its_tables_have_failed()
        refused = subprocess.run([f"{BIN}/tshirt", "reset", *self.settings], capture_output=True, text=True)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("stop them", refused.stderr)
        for worker in (run, heir):
            self.assertEqual(worker.end(signal.SIGTERM)[0], 0, worker.text())
        shown = self.reset()
        self.assertIn("table default.payments: its topic is landed again from the beginning", shown)
        self.assertIn("nothing was changed", shown)
        self.assertEqual(self.rows(), (self.records, self.records))
        self.reset("--empty-tables", "--execute")
        self.assertEqual(self.rows(), (0, 0))
        again = self.start("again", "land")
        self.until("every record is a row again", lambda: self.rows()[1] == self.records)
        self.assertEqual(again.end(signal.SIGTERM)[0], 0, again.text())
        self.assertEqual(self.rows(), (self.records, self.records))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    options, rest = parser.parse_known_args()
    BIN = options.bin
    unittest.main(argv=[sys.argv[0], *rest])
