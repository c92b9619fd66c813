"""Writes the rows of a Parquet file, held in memory, by DuckDB's COPY with one thread: beside warehouse_bench.

Usage: bench_duckdb.py FILE (payments.parquet of warehouse_bench)
"""

import resource
import sys
import tempfile
import time

import duckdb


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


connection = duckdb.connect(config={"threads": 1})
connection.execute(f"create table payments as select * from read_parquet('{sys.argv[1]}')")
rows = connection.execute("select count(*) from payments").fetchone()[0]
with tempfile.TemporaryDirectory() as folder:
    for run in range(5):
        start, start_cpu = time.monotonic(), cpu()
        connection.execute(f"copy payments to '{folder}/{run}.parquet' (format parquet, compression zstd, compression_level 3)")
        seconds, cpu_seconds = time.monotonic() - start, cpu() - start_cpu
        print(f"DuckDB COPY: {rows / seconds / 1e6:.2f} M rows/s by the clock, {rows / cpu_seconds / 1e6:.2f} M rows/s a core, "
              f"{cpu_seconds * 1e9 / rows:.0f} ns CPU a row")
