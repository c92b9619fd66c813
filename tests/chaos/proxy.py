"""A proxy between workers and the broker that knows Kafka's frames: passes them on, late, in part or not at all."""

import socket
import struct
import threading
import time

ADD_PARTITIONS_TO_TXN, ADD_OFFSETS_TO_TXN, END_TXN, TXN_OFFSET_COMMIT = 24, 25, 26, 28
NAMES = {ADD_PARTITIONS_TO_TXN: "AddPartitionsToTxn", ADD_OFFSETS_TO_TXN: "AddOffsetsToTxn", END_TXN: "EndTxn",
         TXN_OFFSET_COMMIT: "TxnOffsetCommit"}
ANSWER_S = 10


def receive(connection, size):
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise ConnectionError("closed")
        data += part
    return data


def read_frame(connection):
    head = receive(connection, 4)
    return head + receive(connection, struct.unpack(">i", head)[0])


def transaction_of(frame):
    """(api key, transactional id) of a request whose body begins with the id; ids of others mean nothing."""
    key, version, _, client = struct.unpack(">hhih", frame[4:14])
    at = 14 + max(0, client)
    if key not in NAMES:
        return key, None
    if key == TXN_OFFSET_COMMIT and version >= 3:
        # After the header's tags, of which there are none, a compact string; of a length below 127.
        size = frame[at + 1] - 1
        return key, frame[at + 2:at + 2 + size].decode()
    size = struct.unpack(">h", frame[at:at + 2])[0]
    return key, frame[at + 2:at + 2 + size].decode()


class Connection:
    """Two threads, one for each direction; `rule` decides about each frame."""

    def __init__(self, proxy, client):
        self.proxy, self.client = proxy, client
        self.broker_stays = False
        self.broker = socket.create_connection(("127.0.0.1", proxy.target))
        for side in (client, self.broker):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for source, target, to_broker in ((client, self.broker, True), (self.broker, client, False)):
            threading.Thread(target=self.pump, args=(source, target, to_broker), daemon=True).start()

    def pump(self, source, target, to_broker):
        try:
            while True:
                frame = read_frame(source)
                rule = self.proxy.rule
                passed = rule(self, frame, to_broker) if rule else frame
                if passed is not None:
                    target.sendall(passed)
        except OSError:
            self.close()

    def close(self):
        for side in [self.client] if self.broker_stays else [self.client, self.broker]:
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            side.close()

    def reset(self):
        """As a broken network: no orderly end."""
        for side in (self.client, self.broker):
            try:
                side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                pass
        self.close()


class Proxy:
    """`rule(connection, frame, to_broker)` returns the bytes to pass on, or None; it may sleep, or break the connection."""

    def __init__(self, port, target):
        self.target = target
        self.rule = None
        self.server = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            try:
                Connection(self, client)
            except OSError:
                client.close()

    def close(self):
        self.server.close()


class Delay:
    """Each frame waits, in its direction, for a random time."""

    def __init__(self, random, most_s):
        self.random, self.most_s, self.count = random, most_s, 0

    def __call__(self, connection, frame, to_broker):
        self.count += 1
        time.sleep(self.random.uniform(0, self.most_s))
        return frame


class Break:
    """Every n-th frame of a direction is passed on in half, or not at all, and then the connection is reset."""

    def __init__(self, every, half, to_broker):
        self.every, self.half, self.to_broker = every, half, to_broker
        self.seen, self.count = 0, 0
        self.lock = threading.Lock()

    def __call__(self, connection, frame, to_broker):
        if to_broker != self.to_broker:
            return frame
        with self.lock:
            self.seen += 1
            if self.seen % self.every:
                return frame
            self.count += 1
        if self.half:
            target = connection.broker if to_broker else connection.client
            target.sendall(frame[:len(frame) // 2])
        connection.reset()
        raise ConnectionError("broken by chaos")


class HoldRequest:
    """Holds a request of a transaction, whose client loses the connection and repeats it on another; lets the held one reach the broker in the
    client's next transaction, and cuts the client off. Without a guard the broker takes an EndTxn for the end of that one: it comes when the
    records are there and their offsets are not; the others come just before its end."""

    def __init__(self, key, skip):
        self.key, self.skip = key, skip
        self.next_transaction = False
        self.lock = threading.Lock()
        self.held, self.id = None, None
        self.repeated = False
        self.sent = threading.Event()
        self.answered = threading.Event()
        self.error = None

    def __call__(self, connection, frame, to_broker):
        if not to_broker:
            return self.answer(connection, frame)
        key, transaction = transaction_of(frame)
        with self.lock:
            if self.sent.is_set():
                return None if transaction == self.id else frame
            if self.held is None:
                if key != self.key:
                    return frame
                self.skip -= 1
                if self.skip >= 0:
                    return frame
                self.held, self.id = (connection, frame), transaction
                connection.broker_stays = True
                raise ConnectionError("held by chaos")
            if transaction != self.id:
                return frame
            if key == self.key and not self.repeated:
                self.repeated = True
                return frame
            if not self.repeated or not self.comes_now(key):
                return frame
            self.held[0].broker.sendall(self.held[1])
            self.sent.set()
        self.answered.wait(ANSWER_S)
        return None if self.key == END_TXN else frame

    def comes_now(self, key):
        """Whether the held one goes before this frame of its client, which has repeated it."""
        if self.key == END_TXN:
            return key == ADD_OFFSETS_TO_TXN
        if key != END_TXN:
            return False
        ended, self.next_transaction = self.next_transaction, True
        return ended

    def answer(self, connection, frame):
        if self.held is None or connection is not self.held[0]:
            return frame
        if self.sent.is_set() and not self.answered.is_set():
            # After size and correlation, which these answers have in common.
            self.error = self.error_of(frame[8:])
            self.answered.set()
        return None

    def error_of(self, body):
        """The first error after the throttle time; the answers to 24 and 28 have one for each partition."""
        if self.key in (ADD_OFFSETS_TO_TXN, END_TXN):
            return struct.unpack(">h", body[4:6])[0]
        if self.key == ADD_PARTITIONS_TO_TXN:
            # Topics: count, name; partitions: count, number, error.
            name = struct.unpack(">h", body[8:10])[0]
            return struct.unpack(">h", body[10 + name + 8:10 + name + 10])[0]
        # The same, compact, behind the tags of the header.
        name = body[6] - 1
        return struct.unpack(">h", body[7 + name + 5:7 + name + 7])[0]
