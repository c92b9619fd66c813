"""The checkers of disks, transactions and progress judged: what is right passes, and each damage is seen."""

import random
import types
import unittest

import checks
import model
from checks import Store
from model import Record


def record(partition, offset, key, value, transaction="-", seen_ms=0):
    return Record(seen_ms, "log", partition, offset, 0, key, value, transaction)


class FakeWorker:
    name = "worker-1"
    home = "home-1"

    def __init__(self, text, code=None):
        self.said = text
        self.process = types.SimpleNamespace(poll=lambda: code)

    def text(self):
        return self.said


class FakeRun:
    """As much of a run as the checkers look at."""

    def __init__(self, workers=()):
        self.bad = model.Violations()
        self.exactly_once = True
        self.random = random.Random(1)
        self.fleet = types.SimpleNamespace(workers=list(workers), gone=[])
        self.spared, self.healed, self.results = [], 0, {}

    def note(self, text):
        pass

    def violate(self, checker, text):
        self.bad.add(checker, text)


class ChecksTest(unittest.TestCase):
    def reused(self, text, before):
        run = FakeRun()
        checks.check_reuse(run, FakeWorker(text), before)
        return run.bad.counts

    def test_a_restore_from_where_the_disk_had_come(self):
        line = "restoring from a-stats-changelog-3, offsets {} to 90 (event=restore-started task=0_3 store=stats)\n"
        before = {("0_3", "stats"): Store(40, {}), ("0_4", "stats"): Store(None, {})}
        self.assertFalse(self.reused(line.format(40), before))
        self.assertEqual(self.reused(line.format(0), before)["C7 reuse"], 1)
        # Later the task comes back from another worker: that is another restore.
        self.assertFalse(self.reused(line.format(40) + line.format(0), before))
        # A store that was damaged begins anew.
        self.assertFalse(self.reused("set aside (event=state-set-aside task=0_3 store=stats)\n" + line.format(0), before))
        self.assertFalse(self.reused(line.replace("0_3", "0_4").format(0), before))

    def states(self, kept, rebuilt, exactly_once=True):
        run = FakeRun()
        run.exactly_once = exactly_once
        checks.check_states(run, {"a kept disk": kept, "an empty disk": rebuilt}, {"stats": {"k": [2, 5], "l": [1, 1]}})
        return run.bad.counts

    def test_stores_against_the_model_and_each_other(self):
        right = {("0_0", "stats"): Store(7, {"k": "2_5"}), ("0_1", "stats"): Store(3, {"l": "1_1"})}
        self.assertFalse(self.states(right, right))
        stale = {**right, ("0_0", "stats"): Store(7, {"k": "1_2"})}
        self.assertEqual(self.states(stale, right), {"C7 store stats on a kept disk": 1, "C7 rebuilt": 1})
        self.assertEqual(self.states(right, stale, exactly_once=False), {"C7 store stats on an empty disk": 1})
        more = {**right, ("0_0", "stats"): Store(7, {"k": "2_5", "m": "1_1"})}
        self.assertEqual(self.states(right, more)["C7 store stats on an empty disk"], 1)
        # What was counted again at least once.
        again = {**right, ("0_0", "stats"): Store(7, {"k": "3_9"})}
        self.assertFalse(self.states(again, again, exactly_once=False))
        # The right values in the wrong task.
        moved = {("0_0", "stats"): right["0_1", "stats"], ("0_1", "stats"): right["0_0", "stats"]}
        self.assertEqual(self.states(right, moved), {"C7 rebuilt": 2})

    def test_a_disk_against_its_changelog_up_to_its_offset(self):
        changelog = [record(0, 0, "k", "1_1"), record(1, 0, "l", "1_9"), record(0, 2, "m", "1_1"), record(0, 3, "m", "%null"),
                     record(0, 5, "k", "2_5")]

        def differ(offset, entries):
            return checks.differences(Store(offset, entries), changelog, 0)

        self.assertEqual(differ(6, {"k": "2_5"}), [])
        self.assertEqual(differ(5, {"k": "1_1"}), [])
        self.assertEqual(differ(3, {"k": "1_1", "m": "1_1"}), [])
        self.assertEqual(differ(None, {}), [])
        self.assertEqual([key for key, *_ in differ(5, {"k": "2_5"})], ["k"])  # ahead: something that was not committed
        self.assertEqual([key for key, *_ in differ(6, {"k": "2_5", "m": "1_1"})], ["m"])
        self.assertEqual([key for key, *_ in differ(6, {})], ["k"])
        self.assertEqual([key for key, *_ in differ(None, {"k": "1_1"})], ["k"])

    def test_a_record_of_a_transaction_that_was_given_up(self):
        run = FakeRun([FakeWorker("x\nchaos-gave-up 7/1/3\n")])
        checks.check_transactions(run, [record(0, 0, "k", "v", "7/1/2"), record(0, 1, "k", "v"), record(0, 2, "k", "v", "7/1/33")])
        self.assertFalse(run.bad.counts)
        checks.check_transactions(run, [record(0, 3, "k", "v", "7/1/3")])
        self.assertEqual(run.bad.counts["C5"], 1)

    def test_spared_partitions_that_stand_still(self):
        echo = [record(n % 2, n, "k", "v", seen_ms=1000 + n) for n in range(300)]
        for partitions, violations in [({0, 1}, 0), ({0}, 0), ({2}, 1)]:
            run = FakeRun()
            run.spared = [types.SimpleNamespace(partitions=partitions, begin=1, end=None)]
            run.healed = 1.3
            checks.check_progress(run, echo)
            self.assertEqual(run.bad.counts["C8"], violations)

    def test_ends(self):
        for text, code, violations in [("", 0, 0), ("", -9, 0), ("", None, 0), ("", -11, 1), ("a.cc:3:4: runtime error: overflow", 1, 1)]:
            run = FakeRun([FakeWorker(text, code)])
            checks.check_ends(run)
            self.assertEqual(run.bad.counts["C9"], violations)


if __name__ == "__main__":
    unittest.main()
