"""What the output of the chaos topology must be, computed from its input alone, and how a run's output differs from it.

Knows nothing of Millrace: only what topology.h says about each topic. `C1`.. are the checkers of the test plan.
"""

import collections
import re

Record = collections.namedtuple("Record", "seen_ms topic partition offset timestamp key value transaction", defaults=["-"])
Sent = collections.namedtuple("Sent", "id key amount partition offset timestamp outcome")

GROUPS = 7
MOST_SHOWN = 5


def read_records(path):
    records = []
    with open(path) as lines:
        for line in lines:
            seen, topic, partition, offset, timestamp, *rest = line.split()
            records.append(Record(int(seen), topic, int(partition), int(offset), int(timestamp), *rest))
    return records


def read_ledger(path):
    with open(path) as lines:
        fields = [line.split() for line in lines]
    return [Sent(int(f[0]), f[1], int(f[2]), int(f[3]), int(f[4]), int(f[5]), f[6]) for f in fields]


def numbers(value):
    """The numbers of a value (the probe shows blanks as underscores); None if it is something else."""
    return [int(n) for n in value.split("_")] if re.fullmatch(r"-?\d+(_-?\d+)*", value) else None


class Violations:
    def __init__(self):
        self.texts = []
        self.counts = collections.Counter()

    def add(self, checker, text):
        self.counts[checker] += 1
        if self.counts[checker] <= MOST_SHOWN:
            self.texts.append(f"{checker}: {text}")
        elif self.counts[checker] == MOST_SHOWN + 1:
            self.texts.append(f"{checker}: and more")


class Model:
    """Everything is derived from what stands in the topic `in`, in the order of its partitions."""

    def __init__(self, inputs, timer_ms, exactly_once):
        self.exactly_once = exactly_once
        self.timer_ms = timer_ms
        self.partitions = collections.defaultdict(list)  # partition -> [(id, key, amount, timestamp)]
        self.keys = collections.defaultdict(list)
        self.groups = collections.defaultdict(lambda: [0, 0])
        for r in sorted(inputs, key=lambda r: (r.partition, r.offset)):
            identity, amount = numbers(r.value)
            entry = (identity, r.key, amount, r.timestamp)
            self.partitions[r.partition].append(entry)
            self.keys[r.key].append(entry)
            group = self.groups[f"group{amount % GROUPS}"]
            group[0] += 1
            group[1] += amount

    def check(self, outputs, changelogs, bad):
        """outputs, changelogs: {short name of the topic or store: [Record]}."""
        self.check_copies("echo", outputs["echo"], bad, lambda e: f"{e[0]}_{e[2]}")
        self.check_copies("left", outputs["left"], bad, lambda e: f"{e[0]}")
        self.check_copies("right", outputs["right"], bad, lambda e: f"{e[0]}")
        self.check_stats(outputs["stats"], bad)
        self.check_groups(outputs["groups"], bad)
        self.check_sequences(outputs["sequences"], bad)
        self.check_timers(outputs["timers"], bad)
        self.check_last("C3 topic stats", outputs["stats"], self.final_stats(), bad)
        self.check_last("C3 topic groups", outputs["groups"], self.final_groups(), bad)
        for store, final in self.final_stores().items():
            self.check_last(f"C7 changelog of {store}", changelogs[store], final, bad)

    def check_copies(self, topic, records, bad, text_of):
        """C1, C2: the same records in the same order in each partition; with repeats only where a suffix was done again."""
        got = collections.defaultdict(list)
        for r in records:
            got[r.partition].append(r)
        for partition in set(self.partitions) | set(got):
            expected = [(e[1], text_of(e)) for e in self.partitions[partition]]
            place = {e: i for i, e in enumerate(expected)}
            highest, last = -1, -1
            for r in got[partition]:
                at = place.get((r.key, r.value))
                where = f"{topic}-{partition} offset {r.offset} key {r.key} value {r.value}"
                if at is None:
                    bad.add("C1 wrong", where + " is no record of the input")
                    continue
                if at > highest + 1:
                    bad.add("C1 missing", f"{where}: records {highest + 1} to {at - 1} of the input's partition are missing before it")
                elif at <= highest and self.exactly_once:
                    bad.add("C1 repeated", where)
                elif at != last + 1 and at > last and at <= highest:
                    bad.add("C2 order", where + " leaves out records that were done again")
                highest, last = max(highest, at), at
            if highest + 1 < len(expected):
                bad.add("C1 missing", f"{topic}-{partition}: {len(expected) - highest - 1} records at the end of the input are missing")

    def check_stats(self, records, bad):
        """C3: each update is the fold of a prefix, later ones of longer prefixes."""
        place = {e[0]: i for entries in self.keys.values() for i, e in enumerate(entries)}
        before = {}
        for r in records:
            where = f"stats-{r.partition} offset {r.offset} key {r.key} value {r.value}"
            stats = numbers(r.value)
            last = place.get(stats[4]) if stats and len(stats) == 5 else None
            if last is None or self.keys[r.key][last:last + 1] == [] or self.keys[r.key][last][0] != stats[4]:
                bad.add("C3 wrong", where + " names no record of its key")
                continue
            prefix = [e[2] for e in self.keys[r.key][:last + 1]]
            expected = [len(prefix), sum(prefix), min(prefix), max(prefix)]
            if self.exactly_once and stats[:4] != expected:
                bad.add("C3 wrong", f"{where}, but the fold up to that record is {expected}")
            if not self.exactly_once and (stats[0] < expected[0] or stats[1] < expected[1] or stats[2:4] != expected[2:]):
                bad.add("C3 wrong", f"{where}, but the fold up to that record is at least {expected}")
            if self.exactly_once and last <= before.get(r.key, -1):
                bad.add("C3 regression", where + " comes after a longer prefix")
            before[r.key] = last

    def check_groups(self, records, bad):
        before = {}
        for r in records:
            group = numbers(r.value)
            where = f"groups-{r.partition} offset {r.offset} key {r.key} value {r.value}"
            if r.key not in self.groups or group is None or len(group) != 2:
                bad.add("C3 wrong", where + " is no group")
                continue
            if self.exactly_once and group[0] <= before.get(r.key, 0):
                bad.add("C3 regression", f"{where} comes after count {before.get(r.key)}")
            before[r.key] = group[0]

    def check_sequences(self, records, bad):
        """The place of each record within its key, kept in a logged store."""
        expected = {e[0]: (key, i + 1) for key, entries in self.keys.items() for i, e in enumerate(entries)}
        seen = collections.Counter()
        for r in records:
            value = numbers(r.value)
            where = f"sequences-{r.partition} offset {r.offset} key {r.key} value {r.value}"
            wanted = expected.get(value[0]) if value and len(value) == 2 else None
            if wanted is None or wanted[0] != r.key:
                bad.add("C3 wrong", where + " is no record of the input")
                continue
            seen[value[0]] += 1
            if value[1] < wanted[1] or (self.exactly_once and value[1] != wanted[1]):
                bad.add("C3 wrong", f"{where}, but it is record {wanted[1]} of its key")
            if seen[value[0]] > 1 and self.exactly_once:
                bad.add("C1 repeated", where)
        for identity in set(expected) - set(seen):
            bad.add("C1 missing", f"record {identity} in sequences")

    def check_timers(self, records, bad):
        """C11: one for each key, due when its first record said, not early."""
        seen = collections.Counter()
        for r in records:
            value = numbers(r.value)
            where = f"timers-{r.partition} offset {r.offset} key {r.key} value {r.value}"
            if r.key not in self.keys or value is None or len(value) != 2:
                bad.add("C11 wrong", where)
                continue
            seen[r.key] += 1
            due, fired = value
            if due != self.keys[r.key][0][3] + self.timer_ms:
                bad.add("C11 wrong", f"{where}: the first record of the key is of {self.keys[r.key][0][3]}")
            if fired < due:
                bad.add("C11 early", where)
            if seen[r.key] > 1 and self.exactly_once:
                bad.add("C11 repeated", where)
        for key in set(self.keys) - set(seen):
            bad.add("C11 missing", f"timer of {key}")

    def final_stats(self):
        final = {}
        for key, entries in self.keys.items():
            amounts = [e[2] for e in entries]
            final[key] = [len(amounts), sum(amounts), min(amounts), max(amounts), entries[-1][0]]
        return final

    def final_stores(self):
        """{store: {key: numbers}}"""
        return {"stats": self.final_stats(), "groups": self.final_groups(), "sequences": {k: [len(e)] for k, e in self.keys.items()},
                "timers": {k: [0] for k in self.keys}}

    def final_groups(self):
        return {key: list(group) for key, group in self.groups.items()}

    def check_last(self, what, records, expected, bad):
        """The last value of each key: of a topic, or of a changelog, which is what a restored store would hold."""
        last = {}
        for r in sorted(records, key=lambda r: (r.partition, r.offset)):
            if r.value == "%null":
                last.pop(r.key, None)
            else:
                last[r.key] = numbers(r.value)
        compare(what, last, expected, self.exactly_once, bad)


def compare(what, last, expected, exactly_once, bad):
    """{key: numbers} of what there is and of what must be."""
    for key in sorted(set(expected) | set(last)):
        got, wanted = last.get(key), expected.get(key)
        # What was done again may have been counted again.
        fits = got == wanted if exactly_once else got is not None and wanted is not None and got[0] >= wanted[0]
        if not fits:
            bad.add(what, f"{key} is {got}, must be {wanted}")


def check_ledger(ledger, inputs, bad):
    """The input itself: what was acknowledged is there once, what failed is not. Otherwise nothing else can be judged."""
    seen = collections.Counter(numbers(r.value)[0] for r in inputs)
    for sent in ledger:
        if sent.outcome == "ok" and seen[sent.id] != 1:
            bad.add("C1 input", f"record {sent.id} was acknowledged and is {seen[sent.id]} times in the input")
        if sent.outcome == "failed" and seen[sent.id]:
            bad.add("C1 input", f"record {sent.id} failed and is in the input")
    for identity in set(seen) - {sent.id for sent in ledger}:
        bad.add("C1 input", f"record {identity} was never sent")
