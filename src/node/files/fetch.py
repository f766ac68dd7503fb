#!/usr/bin/env python3
"""Gets a node's bundle and settings with the instance's role, checks them, runs the bundle's install.sh.

Usage: fetch.py NODE.json (its fields: README.md). Standard library only; Python 3.6 to 3.13.
"""

import datetime
import hashlib
import hmac
import http.client
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

GIVE_UP_AFTER = 600  # new roles and policies take minutes
# metadata service, its token header, where role keys stand, their names
CLOUDS = {
    "aws": ("169.254.169.254", "X-aws-ec2-metadata-token", "iam", "AccessKeyId SecretAccessKey Token"),
    "alicloud": ("100.100.100.200", "X-aliyun-ecs-metadata-token", "ram", "AccessKeyId AccessKeySecret SecurityToken"),
}


class Fatal(Exception):
    """What trying again does not mend."""


OPENER = urllib.request.OpenerDirector()  # no proxy, no redirect: a signed request goes to one host
for kind in "HTTPHandler", "HTTPSHandler", "HTTPDefaultErrorHandler", "HTTPErrorProcessor":
    OPENER.add_handler(getattr(urllib.request, kind)())


def ask(method, url, headers, timeout=60):
    with OPENER.open(urllib.request.Request(url, headers=headers, method=method), timeout=timeout) as reply:
        return reply.read()


def role_credentials(node):
    base, header, service, names = CLOUDS[node["cloud"]]
    base = node.get("metadata", "http://" + base) + "/latest/"
    token = {header: ask("PUT", base + "api/token", {header + "-ttl-seconds": "300"}, 5).decode()}
    base += "meta-data/" + service + "/security-credentials/"
    role = ask("GET", base, token, 5).decode().split("\n")[0].strip()
    reply = json.loads(ask("GET", base + role, token, 5).decode())
    return [reply[name] for name in names.split()]


def sign(cloud, credentials, region, host, path, date):
    """The headers of a GET: SigV4 for S3; OSS V4, the same with other names."""
    identity, secret, session = credentials
    if cloud == "aws":
        algorithm, prefix, service, key, payload = "AWS4", "x-amz-", "s3/aws4_request", "AWS4", hashlib.sha256().hexdigest()
        signed = {"host": host}
    else:
        algorithm, prefix, service, key, payload = "OSS4", "x-oss-", "oss/aliyun_v4_request", "aliyun_v4", "UNSIGNED-PAYLOAD"
        signed = {}
    algorithm += "-HMAC-SHA256"
    signed.update({prefix + "content-sha256": payload, prefix + "date": date})
    if session:
        signed[prefix + "security-token"] = session
    names = ";".join(sorted(signed)) if cloud == "aws" else ""
    lines = ["GET", path, ""] + [name + ":" + signed[name] for name in sorted(signed)] + ["", names, payload]
    scope = "%s/%s/%s" % (date[:8], region, service)
    text = "\n".join([algorithm, date, scope, hashlib.sha256("\n".join(lines).encode()).hexdigest()])
    key = (key + secret).encode()
    for part in scope.split("/") + [text]:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    headers = "SignedHeaders=%s," % names if names else ""
    signed["Authorization"] = "%s Credential=%s/%s,%sSignature=%s" % (algorithm, identity, scope, headers, key.hex())
    return signed


def get_object(node, credentials, item):
    cloud, region, bucket = node["cloud"], node["region"], node["bucket"]
    if cloud == "aws":
        endpoint = "https://%s.s3.%s.amazonaws.com" % (bucket, region) + (".cn" if region[:3] == "cn-" else "")
    else:
        endpoint = "https://%s.oss-%s-internal.aliyuncs.com" % (bucket, region)
    where = urllib.parse.urlsplit(node.get("endpoint", endpoint))
    key = where.path.rstrip("/") + "/" + urllib.parse.quote(item["key"], safe="/-_.~")
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    path = key if cloud == "aws" else "/" + bucket + key
    headers = sign(cloud, credentials, region, where.netloc, path, date)
    body = ask("GET", "%s://%s%s" % (where.scheme, where.netloc, key), headers)
    if hashlib.sha256(body).hexdigest() != item["sha256"]:
        raise Fatal("%s has not the sha256 that the user data names" % item["key"])
    return body


def reason(error):
    """One line; of a storage error only its code, as its body repeats what was signed."""
    if isinstance(error, urllib.error.HTTPError):
        code = re.search(rb"<Code>(\w+)</Code>", error.read(4096))
        host = urllib.parse.urlsplit(error.url).netloc
        return "HTTP %d %s from %s" % (error.code, code.group(1).decode() if code else "", host)
    return "%s: %s" % (type(error).__name__, error)


def download(node):
    deadline, pause = time.time() + node.get("giveUpAfterSeconds", GIVE_UP_AFTER), 1
    while True:
        try:
            credentials = role_credentials(node)
            return [get_object(node, credentials, node[item]) for item in ("bundle", "settings")]
        except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
            why = reason(error)
        if time.time() + pause > deadline:
            raise Fatal(why)
        say("%s; trying again in %d s" % (why, pause))
        time.sleep(pause)
        pause = min(pause * 2, 30)


def extract(bundle, settings, folder):
    """Plain files only; the folder appears whole or not at all."""
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    work = tempfile.mkdtemp(dir=os.path.dirname(folder))
    os.chmod(work, 0o755)
    with tarfile.open(fileobj=io.BytesIO(bundle), mode="r:") as archive:
        for member in archive:
            parts = member.name.rstrip("/").split("/")
            if not (member.isfile() or member.isdir()) or {"", ".", ".."} & set(parts):
                raise Fatal("the bundle holds %r, which is no plain file below it" % member.name)
            path = os.path.join(work, *parts)
            os.makedirs(path if member.isdir() else os.path.dirname(path), exist_ok=True)
            if member.isfile():
                with open(path, "wb") as file:
                    shutil.copyfileobj(archive.extractfile(member), file)
                os.chmod(path, 0o755 if member.mode & 0o100 else 0o644)
    with open(os.path.join(work, "settings.json"), "wb") as file:
        file.write(settings)
    if os.path.isdir(folder):
        shutil.rmtree(folder)
    os.rename(work, folder)


def say(text):
    print("aigw: " + text, file=sys.stderr, flush=True)


def main(path):
    os.umask(0o022)
    with open(path) as file:
        node = json.load(file)
    bundle, settings = download(node)
    folder = os.path.join(node.get("home", "/opt/aigw"), "bundle-" + node["bundle"]["sha256"][:16])
    extract(bundle, settings, folder)
    status = subprocess.call(["/bin/bash", os.path.join(folder, "install.sh")])
    if status:
        raise Fatal("install.sh ended with status %d" % status)
    say("the node is installed")


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except Exception as problem:  # whatever it is, the console's last line says it
        say("GAVE UP, nothing is served here: " + (str(problem) if isinstance(problem, Fatal) else reason(problem)))
        sys.exit(1)
