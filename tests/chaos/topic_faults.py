"""What others do to the topics of an application. It must refuse to go on with what is no longer its data, never start over in silence."""

import time

REFUSAL_S = 60


OVERSIZED_AMOUNT = 424242
OVERSIZED_ID = 1_000_000_000


def oversized_result(run):
    """F15: a result is larger than any broker takes. Every worker that meets it stops and names it; a program that makes it smaller goes on."""
    victims = list(run.fleet.workers)
    run.probe("send", run.topic("in"), "--key", "oversized", "--first-id", str(OVERSIZED_ID), "--amount", str(OVERSIZED_AMOUNT), "--out",
              str(run.folder / "ledger-oversized"))
    for worker in victims:
        run.prove_within(REFUSAL_S, f"{worker.name} stopped with an error", lambda: worker.process.poll() == 1)
        text = worker.text()
        if run.topic("echo") not in text or "too large" not in text.lower():
            run.violate("F15", f"{worker.name} did not say what was wrong: {text.strip().splitlines()[-1]}")
        run.fleet.forget(worker)
    for worker in victims:
        run.fleet.add(home=worker.home)


def change_topics(run):
    """F17: a changelog is deleted, the input gets more partitions, or an output is deleted, while the application is down or, the partitions,
    while it runs."""
    kinds = {"changelog deleted": delete_changelog, "partitions added": add_partitions, "output deleted": delete_output,
             "partitions added under load": add_partitions_under_load}
    kind = sorted(kinds)[run.seed % len(kinds)]
    run.note(f"from now on: {kind}")
    if kinds[kind] is add_partitions_under_load:
        add_partitions_under_load(run)
        return
    for worker in list(run.fleet.workers):
        run.fleet.stop(worker)
    kinds[kind](run)


def refused(run, topic, home):
    """A worker ends with an error that names the topic."""
    worker = run.fleet.add(home=home)
    began = time.monotonic()
    while worker.alive() and time.monotonic() - began < REFUSAL_S:
        time.sleep(0.1)
    if worker.alive():
        run.violate("F17", f"no refusal: {worker.name} runs after {topic} was changed")
        return
    run.fleet.forget(worker)
    text = worker.text()
    run.note(f"{worker.name} ended with {worker.process.returncode}: {text.strip().splitlines()[-1]}")
    if worker.process.returncode != 1 or topic not in text:
        run.violate("F17", f"{worker.name} ended with {worker.process.returncode} and did not name {topic}")


def delete_changelog(run):
    changelog = run.changelog("stats")
    before = run.probe("ends", changelog)
    run.probe("delete", changelog)
    run.prove(any(int(line.split()[3]) > 0 for line in before.splitlines()), f"{changelog} held records and was deleted")
    refused(run, changelog, run.random.choice(["home-1", None]))


def add_partitions(run):
    topic = run.topic("in")
    before = len(run.probe("ends", topic).splitlines())
    run.probe("add-partitions", topic, "--count", str(before + 2))
    run.prove(len(run.probe("ends", topic).splitlines()) == before + 2, f"{topic} has {before + 2} partitions")
    refused(run, topic, "home-1")


def add_partitions_under_load(run):
    """All workers see it and end with an error that names the topic and both numbers; a new one refuses."""
    topic = run.topic("in")
    before = len(run.probe("ends", topic).splitlines())
    first_id = max(int(line.split()[0]) for line in (run.folder / "ledger").read_text().splitlines()) + 1
    producer = run.producer(first_id, "ledger-more")
    victims = list(run.fleet.workers)
    run.probe("add-partitions", topic, "--count", str(before + 2))
    run.prove(len(run.probe("ends", topic).splitlines()) == before + 2, f"{topic} has {before + 2} partitions")
    for worker in victims:
        run.prove_within(REFUSAL_S, f"{worker.name} ended with an error", lambda: worker.process.poll() == 1)
        text = worker.text()
        if f"{topic} has {before + 2} partitions now, and had {before}" not in text:
            run.violate("F17", f"{worker.name} did not say what was wrong: {text.strip().splitlines()[-1]}")
        run.fleet.forget(worker)
    producer.finish()
    refused(run, topic, "home-1")


def delete_output(run):
    topic = run.topic("left")
    run.probe("delete", topic)
    run.prove(True, f"{topic} was deleted")
    run.probe("send", run.topic("in"), "--out", str(run.folder / "ledger-unwanted"))
    refused(run, topic, "home-1")
