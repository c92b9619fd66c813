"""The faults by their numbers in the test plan."""

import dataclasses
import typing

import broker_faults
import process_faults
import state_faults
import topic_faults


@dataclasses.dataclass(frozen=True)
class Fault:
    inject: typing.Callable
    # Workers reach the broker through the proxy.
    proxied: bool = False
    # Comes when the output was judged, for it leaves an application that cannot go on.
    last: bool = False
    # Of the first workers.
    options: tuple = ()
    # Of all workers.
    settings: tuple = ()
    # Workers are static members of the group.
    static: bool = False
    # Workers are Kafka Streams'.
    peer: bool = False
    # Leaves stores that nobody can read.
    damages: bool = False
    # Of transactions, which there are at exactly-once only.
    transactional: bool = False


FAULTS = {
    "F1": Fault(process_faults.kill_one),
    "F2": Fault(process_faults.die_at_point),
    "F3": Fault(process_faults.kill_all),
    "F4": Fault(process_faults.stop_one),
    "F5": Fault(process_faults.join_and_leave),
    "F6": Fault(broker_faults.restart_broker),
    "F8": Fault(broker_faults.hold_end_of_transaction, proxied=True, transactional=True),
    "F9": Fault(broker_faults.break_connections, proxied=True),
    "F10": Fault(process_faults.outlast_transaction),
    "F11": Fault(broker_faults.open_transaction_under_restore),
    "F12": Fault(state_faults.disk_full),
    "F13": Fault(state_faults.corrupt_state, damages=True),
    "F15": Fault(topic_faults.oversized_result, options=("--oversize",)),
    "F17": Fault(topic_faults.change_topics, last=True),
    "F19": Fault(process_faults.scale),
}
