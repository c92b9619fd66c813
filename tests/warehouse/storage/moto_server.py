"""An S3 of moto on a free port that verifies signatures. Prints "PORT ACCESS_KEY SECRET_KEY" and serves until its input ends."""

import logging
import os
import sys
import threading

os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "4"
os.environ["MOTO_ALLOW_NONEXISTENT_REGION"] = "true"

import boto3
from moto.s3.responses import S3Response
from moto.server import ThreadedMotoServer

# moto looks whether there is an object and then writes it: of two threads that look at the same time, both would win.
lock = threading.Lock()
put_object = S3Response.put_object


def put_object_alone(self):
    with lock:
        return put_object(self)


S3Response.put_object = put_object_alone

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()


def client(service):
    return boto3.client(service, endpoint_url=f"http://{host}:{port}", region_name="us-east-1",
                        aws_access_key_id="setup", aws_secret_access_key="setup")


iam = client("iam")
iam.create_user(UserName="millrace")
key = iam.create_access_key(UserName="millrace")["AccessKey"]
iam.put_user_policy(UserName="millrace", PolicyName="all",
                    PolicyDocument='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}')
client("s3").create_bucket(Bucket="warehouse")
print(port, key["AccessKeyId"], key["SecretAccessKey"], flush=True)
sys.stdin.read()
server.stop()
