"""The judge judged: output that is right passes, and each kind of damage to it is named by the checker that must see it."""

import random
import unittest

import model
from model import Record, Sent

TIMER_MS = 2000
PARTITIONS = 3
START_MS = 1_000_000


def made_input(count=300):
    """As the probe writes it: the key decides about the partition."""
    chosen = random.Random(7)
    offsets = [0] * PARTITIONS
    records = []
    for identity in range(count):
        key = chosen.randrange(20)
        partition = key % PARTITIONS
        at = START_MS + identity
        records.append(Record(at, "in", partition, offsets[partition], at, f"k{key}", f"{identity}_{chosen.randrange(1000)}"))
        offsets[partition] += 1
    return records


class Output:
    """What a right topology makes of the input, one update for each record."""

    def __init__(self, inputs):
        self.topics = {name: [] for name in ["echo", "left", "right", "stats", "groups", "sequences", "timers"]}
        self.logs = {name: [] for name in ["stats", "groups", "sequences", "timers"]}
        stats, groups, places = {}, {}, {}
        for r in inputs:
            identity, amount = map(int, r.value.split("_"))
            self.add("echo", r, r.key, r.value)
            self.add("left", r, r.key, str(identity))
            self.add("right", r, r.key, str(identity))
            count, total, least, most = stats.get(r.key, (0, 0, amount, amount))
            stats[r.key] = (count + 1, total + amount, min(least, amount), max(most, amount))
            self.update("stats", r, r.key, "_".join(map(str, (*stats[r.key], identity))))
            group = f"group{amount % model.GROUPS}"
            count, total = groups.get(group, (0, 0))
            groups[group] = (count + 1, total + amount)
            elsewhere = r._replace(partition=int(group[5:]) % PARTITIONS)  # behind a repartition
            self.update("groups", elsewhere, group, "_".join(map(str, groups[group])))
            places[r.key] = places.get(r.key, 0) + 1
            self.add("sequences", r, r.key, f"{identity}_{places[r.key]}")
            self.log("sequences", r, r.key, str(places[r.key]))
            if places[r.key] == 1:
                due = r.timestamp + TIMER_MS
                self.log("timers", r, r.key, str(due))
                self.add("timers", r, r.key, f"{due}_{due + 5}")
                self.log("timers", r, r.key, "0")

    def add(self, topic, source, key, value):
        self.topics[topic].append(
            Record(source.seen_ms, topic, source.partition, len(self.topics[topic]), source.timestamp, key, value))

    def log(self, store, source, key, value):
        self.logs[store].append(Record(source.seen_ms, store, source.partition, len(self.logs[store]), source.timestamp, key, value))

    def update(self, name, source, key, value):
        self.add(name, source, key, value)
        self.log(name, source, key, value)


class ModelTest(unittest.TestCase):
    def setUp(self):
        self.inputs = made_input()
        self.output = Output(self.inputs)

    def judge(self, exactly_once=True):
        bad = model.Violations()
        model.Model(self.inputs, TIMER_MS, exactly_once).check(self.output.topics, self.output.logs, bad)
        return bad

    def expect(self, checker, exactly_once=True):
        bad = self.judge(exactly_once)
        self.assertIn(checker, bad.counts, bad.texts)

    def replace(self, topic, at, **change):
        self.output.topics[topic][at] = self.output.topics[topic][at]._replace(**change)

    def test_right_output_passes(self):
        self.assertEqual(self.judge().texts, [])
        self.assertEqual(self.judge(exactly_once=False).texts, [])

    def test_a_record_that_is_missing(self):
        for topic in ["echo", "left", "right", "sequences"]:
            for at in [0, 100, -1]:
                self.output = Output(self.inputs)
                del self.output.topics[topic][at]
                for exactly_once in [True, False]:
                    self.expect("C1 missing", exactly_once)

    def test_a_record_that_is_repeated_counts_under_exactly_once_only(self):
        for topic in ["echo", "left", "right", "sequences"]:
            self.output = Output(self.inputs)
            self.output.topics[topic].append(self.output.topics[topic][-1])
            self.expect("C1 repeated")
            self.assertEqual(self.judge(exactly_once=False).texts, [])

    def test_a_record_of_nowhere(self):
        self.replace("echo", 10, value="7_7")
        self.expect("C1 wrong")
        self.expect("C1 wrong", exactly_once=False)

    def test_order_within_a_partition(self):
        echo = self.output.topics["echo"]
        first, second = [i for i, r in enumerate(echo) if r.partition == 0][10:12]
        echo[first], echo[second] = echo[second], echo[first]
        self.expect("C1 missing")
        self.expect("C1 missing", exactly_once=False)

    def test_an_update_that_is_no_fold_of_a_prefix(self):
        value = self.output.topics["stats"][50].value.split("_")
        self.replace("stats", 50, value="_".join([value[0], str(int(value[1]) + 1), *value[2:]]))
        self.expect("C3 wrong")

    def test_an_update_that_lost_state(self):
        """A store that was restored to an old state counts from there."""
        last = self.output.topics["stats"][-1]
        self.replace("stats", -1, value="_".join(["1", "1", "1", "1", last.value.split("_")[4]]))
        self.expect("C3 wrong")
        self.expect("C3 wrong", exactly_once=False)

    def test_an_update_that_goes_back(self):
        stats = self.output.topics["stats"]
        mine = [i for i, r in enumerate(stats) if r.key == "k1"]
        stats[mine[3]], stats[mine[4]] = stats[mine[4]], stats[mine[3]]
        self.expect("C3 regression")

    def test_a_group_that_goes_back_or_ends_wrong(self):
        groups = self.output.topics["groups"]
        groups.append(groups[0]._replace(offset=len(groups)))
        self.expect("C3 regression")
        self.expect("C3 topic groups")

    def test_a_changelog_that_a_store_would_be_restored_wrong_from(self):
        for store in ["stats", "groups", "sequences", "timers"]:
            self.output = Output(self.inputs)
            log = self.output.logs[store]
            last = log[-1]
            log.append(last._replace(offset=len(log), value="_".join(["9999"] * len(last.value.split("_")))))
            self.expect(f"C7 changelog of {store}")

    def test_a_changelog_without_a_key(self):
        log = self.output.logs["stats"]
        log.append(log[0]._replace(offset=len(log), value="%null"))
        self.expect("C7 changelog of stats")
        self.expect("C7 changelog of stats", exactly_once=False)

    def test_timers(self):
        timers = self.output.topics["timers"]
        due, fired = map(int, timers[3].value.split("_"))
        self.replace("timers", 3, value=f"{due}_{due - 1}")
        self.expect("C11 early")
        self.replace("timers", 3, value=f"{due + 1}_{fired + 1}")
        self.expect("C11 wrong")
        self.replace("timers", 3, value=f"{due}_{fired}")
        timers.append(timers[3])
        self.expect("C11 repeated")
        del timers[-1], timers[3]
        self.expect("C11 missing")
        self.expect("C11 missing", exactly_once=False)

    def test_the_ledger(self):
        ledger = [Sent(*map(int, r.value.split("_")[:1]), r.key, 0, r.partition, r.offset, r.timestamp, "ok") for r in self.inputs]
        bad = model.Violations()
        model.check_ledger(ledger, self.inputs, bad)
        self.assertEqual(bad.texts, [])
        cases = [(ledger, self.inputs[1:]), (ledger, self.inputs + self.inputs[:1]), (ledger[1:], self.inputs),
                 ([ledger[0]._replace(outcome="failed"), *ledger[1:]], self.inputs)]
        for sent, inputs in cases:
            bad = model.Violations()
            model.check_ledger(sent, inputs, bad)
            self.assertEqual(bad.counts["C1 input"], 1)


if __name__ == "__main__":
    unittest.main()
