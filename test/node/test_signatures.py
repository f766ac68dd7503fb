"""The doubles' signatures against the vendors' published examples, and ours against the doubles'."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from aigw_node.alicloud import Credentials, acs3_headers
from aigw_node.sls import log_group, signed

from doubles import signatures

# AWS's documented example keys, put together here so that no file holds them.
AWS_ID = "AKIA" + "IOSFODNN7" + "EXAMPLE"
AWS_SECRET = "/".join(("wJalrXUtnFEMI", "K7MDENG", "bPxRfiCY" + "EXAMPLEKEY"))
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
HOST = "examplebucket.s3.amazonaws.com"
WHEN = "20130524T000000Z"


@pytest.fixture(scope="session")
def fetch() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "src" / "node" / "files" / "fetch.py"
    spec = importlib.util.spec_from_file_location("fetch", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("path", "query", "more", "signature"),
    [
        ("/test.txt", "", {"range": "bytes=0-9"}, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        ("/", "lifecycle=", {}, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("/", "max-keys=2&prefix=J", {}, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
    ids=["get-object", "get-lifecycle", "list-objects"],
)
def test_sigv4_of_the_double_is_the_one_that_aws_documents(
    path: str, query: str, more: dict[str, str], signature: str
) -> None:
    headers = {"host": HOST, "x-amz-content-sha256": EMPTY, "x-amz-date": WHEN, **more}
    assert signatures.sigv4(AWS_SECRET, "s3", "us-east-1", "GET", path, query, headers, headers) == signature


@pytest.mark.parametrize("session", ["", "a-session+token/="])
def test_the_fetcher_signs_for_s3_as_botocore_does(fetch: ModuleType, session: str) -> None:
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials as BotoCredentials

    headers = fetch.sign("aws", [AWS_ID, AWS_SECRET, session], "us-east-1", HOST, "/a/b%20c.tar", WHEN)
    request = AWSRequest("GET", f"https://{HOST}/a/b%20c.tar", headers={k: v for k, v in headers.items() if k[0] == "x"})
    request.context.update({"timestamp": WHEN, "payload_signing_enabled": True})
    auth = S3SigV4Auth(BotoCredentials(AWS_ID, AWS_SECRET, session or None), "s3", "us-east-1")
    signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    assert headers["Authorization"].endswith("Signature=" + signature)


@pytest.mark.parametrize(
    ("date", "more", "additional", "signature"),
    [
        ("20231216T162057Z", {}, (), "e21d18daa82167720f9b1047ae7e7f1ce7cb77a31e8203a7d5f4624fa0284afe"),
        (
            "20231217T034736Z",
            {"x-oss-security-token": "token"},
            (),
            "b94a3f999cf85bcdc00d332fbd3734ba03e48382c36fa4d5af5df817395bd9ea",
        ),
        ("20231216T172512Z", {}, ("abc", "zabc"), "4a4183c187c07c8947db7620deb0a6b38d9fbdd34187b6dbaccb316fa251212f"),
    ],
    ids=["plain", "session", "additional-headers"],
)
def test_oss4_of_the_double_is_the_one_of_the_vendors_sdk(
    date: str, more: dict[str, str], additional: tuple[str, ...], signature: str
) -> None:
    headers = {
        "x-oss-head1": "value",
        "abc": "value",
        "zabc": "value",
        "xyz": "value",
        "content-type": "text/plain",
        "x-oss-content-sha256": "UNSIGNED-PAYLOAD",
        "x-oss-date": date,
        **more,
    }
    query = "param1=value1&%2Bparam1=value3&%7Cparam1=value4&%2Bparam2=&%7Cparam2=&param2="
    resource = "/bucket/1234%2B-/123/1.txt"
    assert signatures.oss4("sk", "cn-hangzhou", "PUT", resource, query, headers, additional) == signature


@pytest.mark.parametrize("session", ["", "a-session+token/="])
def test_the_fetcher_signs_for_oss_as_the_double_does(fetch: ModuleType, session: str) -> None:
    headers = fetch.sign(
        "alicloud", ["ak", "sk", session], "cn-hangzhou", "ignored", "/bucket/1234%2B-/1.tar", "20231216T162057Z"
    )
    sent = {name: value for name, value in headers.items() if name != "Authorization"}
    right = signatures.oss4("sk", "cn-hangzhou", "GET", "/bucket/1234%2B-/1.tar", "", sent)
    scope = "ak/20231216/cn-hangzhou/oss/aliyun_v4_request"
    assert headers["Authorization"] == f"OSS4-HMAC-SHA256 Credential={scope},Signature={right}"


def test_acs3_is_the_one_that_alibaba_documents() -> None:
    credentials = Credentials("Your" + "AccessKeyId", "Your" + "AccessKeySecret", "", 0)
    query = {"ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd", "RegionId": "cn-shanghai"}
    headers = acs3_headers(
        host="ecs.cn-shanghai.aliyuncs.com",
        action="RunInstances",
        version="2014-05-26",
        query=query,
        credentials=credentials,
        date="2023-10-26T10:22:32Z",
        nonce="3156853299f313e23d1673dc12e1703d",
    )
    signature = "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    assert headers["Authorization"].endswith("Signature=" + signature)
    raw = "&".join(f"{name}={value}" for name, value in query.items())
    names = [name for name in headers if name != "Authorization"]
    assert signatures.acs3(credentials.secret, "POST", "/", raw, headers, names) == signature


def test_sls4_is_the_one_of_the_vendors_sdk() -> None:
    credentials = Credentials("acsddda" + "21dsd", "zxasdasd" + "asw2", "", 0)
    when, body = "20220808T032330Z", b"adasd= -asd zcas"
    headers = signed("/logstores", {}, body, credentials, region="cn-shanghai", moment=when)
    signature = "8a10a5e723cb2e75964816de660b2c16a58af8bc0261f7f0722d832468c76ce8"
    scope = f"{credentials.identity}/20220808/cn-shanghai/sls/aliyun_v4_request"
    assert headers["authorization"] == f"SLS4-HMAC-SHA256 Credential={scope},Signature={signature}"
    sent = {name: value for name, value in headers.items() if name != "authorization"}
    assert signatures.sls4(credentials.secret, "cn-shanghai", "POST", "/logstores", sent) == signature
    more = {**sent, "x-log-test": "het123", "x-acs-ppp": "dds"}
    query = "=efg& abc=efg& agc &A-bc=eFg"
    expected = "a98f5632e93836e63839cd836a54055f480020a9364ca944e2d34f2eb9bf1bed"
    assert signatures.sls4(credentials.secret, "cn-hangzhou", "POST", "/logstores", more, query) == expected


def test_a_log_group_has_the_bytes_of_the_vendors_sdk() -> None:
    vector = "0a1e08f8b2939e0512160a07546573744b6579120b54657374436f6e74656e741a00220e31302e3233302e3230312e313137"
    assert log_group([(1405409656, {"TestKey": "TestContent"})], "", "10.230.201.117").hex() == vector
