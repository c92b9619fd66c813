"""Figures of a landing from a real Kafka, by `tshirt land`.

  warehouse_figures throughput [--rows N]    rows/s and CPU per row of the flat payments table, protobuf decoding included; DuckDB's COPY of the same rows
  warehouse_figures freshness [--seconds N]  how old the newest row of the table is, at the default commit interval, while records come

Throughput: all records are in the topic before the landing starts, which has core 0 to itself, as far as the machine lets; the broker has core 1. By
the clock, from the start of the process to the last commit, three seconds of which the group waits for members; CPU, all of the process. DuckDB: one
thread, the rows in its memory.
"""

import argparse
import os
import pathlib
import resource
import signal
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[3]
sys.path += [str(SOURCE / "tests/integration"), str(SOURCE / "tests/support")]
import duck  # noqa: E402
from workers import Worker, output_of, script  # noqa: E402

PARTITIONS = 2


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Bench:
    def __init__(self, binaries, folder):
        self.binaries, self.folder = binaries, folder
        self.table = str(folder / "warehouse/default/payments")
        os.sched_setaffinity(0, {1})  # and those that it starts
        self.servers = script("kafka", "start", "--dir", str(folder / "kafka"))
        # The shop's topics, with next to nothing in them.
        output_of(f"{binaries}/tshirt", "generate", "--bootstrap-servers", self.servers, "--users", "1", "--partitions", str(PARTITIONS))

    def fill(self, rows):
        output_of(f"{self.binaries}/warehouse_lander", "fill", self.servers, "payments", str(PARTITIONS), str(rows))

    def land(self, *settings):
        return Worker("land", ["taskset", "-c", "0", f"{self.binaries}/tshirt", "land", "--bootstrap-servers", self.servers, "--set",
                               f"warehouse.uri=file://{self.folder}/warehouse", *settings], self.folder)

    def throughput(self, rows):
        self.fill(rows)
        began = time.monotonic()
        worker = self.land("--set", "warehouse.commit.interval.ms=2000")
        landed, cpu = 0, 0
        while landed < rows:
            time.sleep(0.05)
            landed = sum(count for labels, count in worker.metrics().get("warehouse_rows_total", {}).items() if "payments" in labels)
            cpu = cpu_seconds(worker.process.pid)
        seconds = time.monotonic() - began
        worker.end(signal.SIGTERM)
        connection = duck.iceberg()
        connection.execute("set threads = 1")
        connection.execute("create table payments as select * from iceberg_scan(?)", [self.table])
        counted = connection.execute("select count(*), count(distinct (_topic_partition, _offset)) from payments").fetchone()
        print(f"land: {landed:.0f} rows in {seconds:.1f} s, {rows / seconds / 1e6:.2f} M rows/s by the clock, {rows / cpu / 1e6:.2f} M rows/s a core, "
              f"{cpu * 1e6 / rows:.3f} us CPU a row; {counted[0]} in the table, {counted[1]} distinct")
        before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
        connection.execute(f"copy payments to '{self.folder}/copy.parquet' (format parquet, compression zstd, compression_level 3)")
        after, seconds = resource.getrusage(resource.RUSAGE_SELF), time.monotonic() - began
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(f"DuckDB COPY: {rows / seconds / 1e6:.2f} M rows/s by the clock, {rows / cpu / 1e6:.2f} M rows/s a core, {cpu * 1e6 / rows:.3f} us CPU a row")
        return counted[0] == counted[1] >= rows

    def freshness(self, seconds):
        self.fill(1000)
        worker = self.land()
        ages, until = [], time.monotonic() + seconds
        while time.monotonic() < until:
            self.fill(1000)
            if pathlib.Path(self.table, "metadata/version-hint.text").exists():
                newest = duck.iceberg().execute("select epoch(max(_timestamp)) from iceberg_scan(?)", [self.table]).fetchone()[0]
                if newest is not None:
                    ages.append(time.time() - newest)
            time.sleep(1)
        worker.end(signal.SIGTERM)
        ages.sort()
        print(f"freshness over {seconds} s: age of the newest row p50 {ages[len(ages) // 2]:.1f} s, max {ages[-1]:.1f} s, {len(ages)} looks")
        return True

    def stop(self):
        script("kafka", "stop", "--dir", str(self.folder / "kafka"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["throughput", "freshness"])
    parser.add_argument("--bin", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=int, default=3000000)
    parser.add_argument("--seconds", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="millrace-figures-") as name:
        bench = Bench(arguments.bin, pathlib.Path(name))
        try:
            right = bench.throughput(arguments.rows) if arguments.what == "throughput" else bench.freshness(arguments.seconds)
        finally:
            bench.stop()
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
