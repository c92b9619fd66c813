"""Prints the table of ratios from the JSON lines that scripts/bench keeps: median (lowest-highest) CPU microseconds per record."""

import collections
import json
import statistics
import sys


def main(path):
    runs = collections.defaultdict(list)
    wrong = []
    for line in open(path):
        entry = json.loads(line)
        result = entry["result"]
        if entry["side"] == "check":
            good = result.get("all_match") or result.get("last_match") or result.get("mismatches") == 0
            if not good:
                wrong.append((entry["run_workload"], entry["round"], result))
            continue
        runs[entry["run_workload"], entry["side"]].append(result)

    def cell(workload, side):
        figures = [r["cpu_us_per_record"] for r in runs.get((workload, side), [])]
        if not figures:
            return "-", None
        middle = statistics.median(figures)
        return f"{middle:.2f} ({min(figures):.2f}-{max(figures):.2f})", middle

    print("CPU microseconds per record. Debian: linked with Debian's RocksDB, which has assertions; release: with scripts/rocksdb_release's.")
    print("| workload | Kafka Streams | Millrace, Debian | ratio | Millrace, release | ratio | floor | Millrace / floor | peak RSS MB, all |")
    print("|---|---|---|---|---|---|---|---|---|")
    for workload in dict.fromkeys(w for w, _ in runs):
        theirs, a = cell(workload, "kafka-streams")
        ours, b = cell(workload, "millrace")
        floor, f = cell(workload, "floor")
        release, c = cell(workload, "millrace-release")
        memory = [
            f"{max(r['peak_rss_mb'] for r in runs[workload, side]):.0f}"
            for side in ("kafka-streams", "millrace", "millrace-release")
            if (workload, side) in runs
        ]
        ratio = f"{a / b:.2f}" if a and b else "-"
        ratio_release = f"{a / c:.2f}" if a and c else "-"
        above = f"{b / f:.2f}" if b and f else "-"
        print(
            f"| {workload} | {theirs} | {ours} | {ratio} | {release} | {ratio_release} | {floor} | {above} | {', '.join(memory)} |"
        )
    for workload, round_number, result in wrong:
        print(f"WRONG OUTPUT: {workload} round {round_number}: {result}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
