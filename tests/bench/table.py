"""Prints the table of ratios from the JSON lines that scripts/bench keeps: median (lowest-highest) CPU microseconds per record."""

import collections
import json
import statistics
import sys


def main(path):
    runs = collections.defaultdict(list)
    wrong = []
    builds = set()
    for line in open(path):
        entry = json.loads(line)
        result = entry["result"]
        if entry["side"] == "check":
            good = result.get("all_match") or result.get("last_match") or result.get("mismatches") == 0
            if not good:
                wrong.append((entry["run_workload"], entry["round"], result))
            continue
        runs[entry["run_workload"], entry["side"]].append(result)
        builds.add(result.get("rocksdb", ""))

    def cell(workload, side):
        figures = [r["cpu_us_per_record"] for r in runs.get((workload, side), [])]
        if not figures:
            return "-", None
        middle = statistics.median(figures)
        return f"{middle:.2f} ({min(figures):.2f}-{max(figures):.2f})", middle

    print("| workload | Kafka Streams us/record | Millrace us/record | ratio | floor us/record | Millrace / floor | peak RSS MB, both |")
    print("|---|---|---|---|---|---|---|")
    for workload in dict.fromkeys(w for w, _ in runs):
        theirs, a = cell(workload, "kafka-streams")
        ours, b = cell(workload, "millrace")
        floor, f = cell(workload, "floor")
        memory = [max((r["peak_rss_mb"] for r in runs.get((workload, side), [])), default=0) for side in ("kafka-streams", "millrace")]
        ratio = f"{a / b:.2f}" if a and b else "-"
        above = f"{b / f:.2f}" if b and f else "-"
        print(f"| {workload} | {theirs} | {ours} | {ratio} | {floor} | {above} | {memory[0]:.0f}, {memory[1]:.0f} |")
    print("RocksDB linked into Millrace:", ", ".join(sorted(b for b in builds if b)) or "unknown")
    for workload, round_number, result in wrong:
        print(f"WRONG OUTPUT: {workload} round {round_number}: {result}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
