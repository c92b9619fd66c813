"""An Iceberg REST catalog over pyiceberg's metadata logic. Prints its port and serves until its input ends.

rest_stub.py FOLDER token TOKEN | rest_stub.py FOLDER sigv4 KEY SECRET

Requests must come with the token, or with a signature that botocore makes of the same request.
"""

import http.server
import json
import os
import re
import sys
import threading
import urllib.parse
import uuid

import botocore.auth
import botocore.awsrequest
import botocore.credentials
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import CommitTableRequest
from pyiceberg.table.metadata import new_table_metadata
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER
from pyiceberg.table.update import update_table_metadata

folder, kind, *secrets = sys.argv[1:]
lock = threading.Lock()
namespaces = {}  # name -> {table -> (metadata, metadata file)}


class Refused(Exception):
    def __init__(self, code, kind, message):
        super().__init__(message)
        self.code, self.kind = code, kind


def write_metadata(metadata, version):
    path = f"{metadata.location[len('file://'):]}/metadata/{version:05d}-{uuid.uuid4()}.metadata.json"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(metadata.model_dump_json())
    return "file://" + path


def result(table):
    metadata, file = table
    return {"metadata-location": file, "metadata": json.loads(metadata.model_dump_json()), "config": {}}


def page(names, query):
    """One at a time."""
    start = int(query.get("pageToken", ["0"])[0])
    return names[start:start + 1], {"next-page-token": str(start + 1) if start + 1 < len(names) else None}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def authenticate(self, body):
        if kind == "token":
            if self.headers["Authorization"] != f"Bearer {secrets[0]}":
                raise Refused(401, "NotAuthorizedException", "wrong token")
            return
        given = self.headers["Authorization"] or ""
        signed = re.search("SignedHeaders=([^,]*)", given)
        if not signed:
            raise Refused(403, "ForbiddenException", "no signature")
        headers = {name: self.headers[name] for name in signed.group(1).split(";") if name != "x-amz-date"}
        request = botocore.awsrequest.AWSRequest(self.command, f"http://{self.headers['Host']}{self.path}", headers=headers, data=body)
        signer = botocore.auth.SigV4Auth(botocore.credentials.Credentials(*secrets), "glue", "eu-west-1")
        request.context["timestamp"] = self.headers["X-Amz-Date"]
        request.headers["X-Amz-Date"] = self.headers["X-Amz-Date"]
        canonical = signer.canonical_request(request)
        if signer.signature(signer.string_to_sign(request, canonical), request) != re.search("Signature=([0-9a-f]*)", given).group(1):
            raise Refused(403, "ForbiddenException", "the signature is not that of the request")

    def answer(self, code, body):
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            self.authenticate(body)
            url = urllib.parse.urlsplit(self.path)
            path = [urllib.parse.unquote(part) for part in url.path.split("/")[1:]]
            with lock:
                self.answer(200, self.route(path, urllib.parse.parse_qs(url.query), body))
        except Refused as error:
            self.answer(error.code, {"error": {"message": str(error), "type": error.kind, "code": error.code}})
        except CommitFailedException as error:
            self.answer(409, {"error": {"message": str(error), "type": "CommitFailedException", "code": 409}})

    do_GET = do_POST = serve

    def route(self, path, query, body):
        if path == ["v1", "config"]:
            if query != {"warehouse": ["main"]}:
                raise Refused(400, "BadRequestException", "which warehouse?")
            return {"overrides": {"prefix": "catalogs/one"}, "defaults": {}}
        if path[:3] != ["v1", "catalogs", "one"]:
            raise Refused(404, "NotFoundException", "no such prefix")
        request = json.loads(body) if body else None
        return self.route_tables(path[3:], query, request)

    def route_tables(self, path, query, request):
        if path == ["namespaces"]:
            if request is None:
                names, answer = page(sorted(namespaces), query)
                return {**answer, "namespaces": [[name] for name in names]}
            if request["namespace"][0] in namespaces:
                raise Refused(409, "AlreadyExistsException", "there is such a namespace")
            namespaces[request["namespace"][0]] = {}
            return request
        tables = namespaces.get(path[1])
        if tables is None:
            raise Refused(404, "NoSuchNamespaceException", "no such namespace")
        if len(path) == 3 and request is None:
            names, answer = page(sorted(tables), query)
            return {**answer, "identifiers": [{"namespace": [path[1]], "name": name} for name in names]}
        if len(path) == 3:
            return result(self.create(path[1], tables, request))
        if path[3] not in tables:
            raise Refused(404, "NoSuchTableException", f"no such table: {path[3]}")
        return result(self.commit(tables, path[3], request) if request else tables[path[3]])

    @staticmethod
    def create(namespace, tables, request):
        name = request["name"]
        if name in tables:
            raise Refused(409, "AlreadyExistsException", f"there is such a table: {name}")
        metadata = new_table_metadata(Schema(**request["schema"]), PartitionSpec(**request["partition-spec"]), UNSORTED_SORT_ORDER,
                                      f"file://{folder}/{namespace}/{name}", request["properties"])
        tables[name] = (metadata, write_metadata(metadata, 0))
        return tables[name]

    @staticmethod
    def commit(tables, name, request):
        commit = CommitTableRequest(**request)
        metadata, file = tables[name]
        for requirement in commit.requirements:
            requirement.validate(metadata)
        changed = update_table_metadata(metadata, commit.updates, enforce_validation=True, metadata_location=file)
        tables[name] = (changed, write_metadata(changed, int(os.path.basename(file).split("-")[0]) + 1))
        return tables[name]


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
