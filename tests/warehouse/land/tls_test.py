"""The Kafka client speaks TLS in a process that has the module of the warehouse open. The Parquet library may bring an OpenSSL of its own;
linked plainly into such a program it makes the client crash in its first handshake."""

import argparse
import datetime
import ipaddress
import pathlib
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

API_VERSIONS = 18  # what a client asks first
BIN: pathlib.Path


def make_certificate(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
                   .not_valid_after(now + datetime.timedelta(days=1))
                   .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
                   .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
                   .sign(key, hashes.SHA256()))
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                       serialization.NoEncryption()))


class TlsBroker:
    """Does the handshake, reads the first request and hangs up."""

    def __init__(self, folder):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
        self.context, self.requests, self.asked = context, [], threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            plain, _ = self.listener.accept()
            try:
                with self.context.wrap_socket(plain, server_side=True) as connection:
                    _, api_key = struct.unpack(">ih", connection.recv(6))
                    self.requests.append((api_key, connection.version()))
                    self.asked.set()
            except (OSError, struct.error):
                continue


class TlsTest(unittest.TestCase):
    def test_the_client_shakes_hands_while_the_module_is_open(self):
        with tempfile.TemporaryDirectory(prefix="millrace-tls-") as name:
            folder = pathlib.Path(name)
            make_certificate(folder)
            broker = TlsBroker(folder)
            with open(folder / "log", "w") as log:
                process = subprocess.Popen(
                    [f"{BIN}/tshirt", "land", "--bootstrap-servers", f"127.0.0.1:{broker.port}", "--set", "security.protocol=ssl", "--set",
                     f"ssl.ca.location={folder}/certificate.pem", "--set", f"warehouse.uri=file://{folder}/warehouse", "--set",
                     f"state.dir={folder}/state"], stdout=log, stderr=log)
            try:
                self.assertTrue(broker.asked.wait(20), (folder / "log").read_text())
                self.assertEqual(broker.requests[0], (API_VERSIONS, "TLSv1.3"))
                mapped = pathlib.Path(f"/proc/{process.pid}/maps").read_text()
                self.assertIn("libmillrace_warehouse.so", mapped)
                self.assertIn("libparquet.so", mapped)
                self.assertIsNone(process.poll(), (folder / "log").read_text())
            finally:
                process.kill()
                process.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    options, rest = parser.parse_known_args()
    BIN = options.bin
    unittest.main(argv=[sys.argv[0], *rest])
