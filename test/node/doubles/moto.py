"""Moto as AWS to a node, with its checks on: whoever calls it signs with a key that it gave out, and may do what its
policies say. Moto knows an action's name and no more: on which secret it is taken is not checked."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from boto3.session import Session
from botocore.exceptions import ClientError

from synthesized import PROJECT

HERE = PROJECT / "test/support/moto"


@dataclass(frozen=True)
class Credentials:
    identity: str
    secret: str
    session: str | None = None


def _python() -> Path:
    """The environment that the TypeScript tests have too, made once: pythonWith in test/support/toolchain.ts."""
    requirements, python = HERE / "requirements.txt", shutil.which("python3")
    assert python, "python3 is not on PATH: moto can not be installed"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    ask = [python, "-c", "import platform; print(platform.python_version())"]
    version = subprocess.run(ask, check=True, capture_output=True, text=True, env=clean).stdout.strip()
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = caches / "cdktf-ai-gateway" / f"python-{version}-{digest}"
    subprocess.run([python, str(HERE / "prepare.py"), str(folder), str(requirements)], check=True, env=clean)
    return folder / "bin/python"


def _allowed(actions: Iterable[str], **more: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": [*actions], **more}]})


class Moto:
    def __init__(self, region: str) -> None:
        self._region = region
        # Without a key nobody can make the first one, so as many calls as that takes are free.
        environment = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", "INITIAL_NO_AUTH_ACTION_COUNT": "3"}
        self._process = subprocess.Popen(
            [str(_python()), str(HERE / "server.py")],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        port = self._process.stdout.readline().strip()
        assert port, "moto did not start"
        self.url = f"http://127.0.0.1:{port}"

        anyone = self._client("iam", Credentials("anyone", "unchecked"))
        self._arn = anyone.create_user(UserName="operator")["User"]["Arn"]
        anyone.put_user_policy(UserName="operator", PolicyName="all", PolicyDocument=_allowed(["*"], Resource="*"))
        key = anyone.create_access_key(UserName="operator")["AccessKey"]
        self._operator = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
        self._secrets = self._client("secretsmanager", self._operator)

    def _client(self, service: str, by: Credentials) -> Any:
        return Session(*astuple(by), region_name=self._region).client(service, endpoint_url=self.url)

    def assume(self, role: str, actions: Iterable[str]) -> Credentials:
        """Credentials of a new role that may take these actions."""
        iam = self._client("iam", self._operator)
        trust = _allowed(["sts:AssumeRole"], Principal={"AWS": self._arn})
        arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        iam.put_role_policy(RoleName=role, PolicyName="node", PolicyDocument=_allowed(actions, Resource="*"))
        given = self._client("sts", self._operator).assume_role(RoleArn=arn, RoleSessionName="i-1")["Credentials"]
        return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    def read(self, name: str, by: Credentials) -> str:
        return str(self._client("secretsmanager", by).get_secret_value(SecretId=name)["SecretString"])

    def put(self, name: str, text: str) -> None:
        try:
            self._secrets.put_secret_value(SecretId=name, SecretString=text)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            self._secrets.create_secret(Name=name, SecretString=text)

    def declare(self, name: str) -> None:
        """A secret without a value, as Terraform makes it."""
        self._secrets.create_secret(Name=name)

    def versions(self, name: str) -> int:
        return len(self._secrets.list_secret_version_ids(SecretId=name, IncludeDeprecated=True)["Versions"])

    def value(self, name: str) -> str | None:
        try:
            return str(self._secrets.get_secret_value(SecretId=name)["SecretString"])
        except self._secrets.exceptions.ResourceNotFoundException:
            return None

    def remove(self, name: str) -> None:
        self._secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)

    def make_log(self, group: str) -> None:
        self._client("logs", self._operator).create_log_group(logGroupName=group)

    def make_fleet(self, group: str, size: int) -> list[str]:
        """Instances in a scaling group; their private names."""
        ec2, scaling = (self._client(service, self._operator) for service in ("ec2", "autoscaling"))
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
        machine = {"ImageId": ec2.describe_images()["Images"][0]["ImageId"], "InstanceType": "t3.small"}
        ec2.create_launch_template(LaunchTemplateName=group, LaunchTemplateData=machine)
        scaling.create_auto_scaling_group(
            AutoScalingGroupName=group,
            LaunchTemplate={"LaunchTemplateName": group, "Version": "$Latest"},
            MinSize=size,
            MaxSize=size,
            VPCZoneIdentifier=subnet,
        )
        reservations = ec2.describe_instances()["Reservations"]
        return [str(instance["PrivateDnsName"]) for found in reservations for instance in found["Instances"]]

    def stop(self) -> None:
        self._process.communicate(timeout=60)  # the end of its input ends it
