"""The real clients of the object storages, against doubles that check the signature."""

from __future__ import annotations

import pytest
from aigw_node import alicloud
from aigw_node.objects import ObjectError, OssObject, S3Object, WatchedObject, open_object
from aigw_node.settings import ProvisioningSettings

from doubles.cloud import Cloud
from support import only_the_role, settings

KEY = "agents/desired.json"


def where(cloud: Cloud, url: str) -> ProvisioningSettings:
    said = {"bucket": cloud.bucket, "key": KEY, "endpoint": url, "secrets": "prod-gateway/agents/"}
    found = settings(region=cloud.region, provisioning=said).provisioning
    assert found
    assert found.interval == 300
    return found


@pytest.fixture
def watched(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> WatchedObject:
    only_the_role(cloud, monkeypatch)
    cloud.objects[KEY] = b"one"
    if cloud.kind == "aws":
        return S3Object(where(cloud, cloud.url))
    return OssObject(where(cloud, cloud.url), alicloud.RoleCredentials(cloud.url))


def test_what_is_known_is_not_sent_again(cloud: Cloud, watched: WatchedObject) -> None:
    assert watched.read(None) == b"one"
    assert watched.read(b"one") is None
    assert cloud.log[-1].endswith("304")
    cloud.objects[KEY] = b"two"
    assert watched.read(b"one") == b"two"


def test_an_object_whose_etag_is_another_digest_is_compared(
    cloud: Cloud, watched: WatchedObject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aigw_node.objects._etag", lambda content: "of-an-object-put-in-parts")
    assert watched.read(b"one") is None
    assert cloud.log[-1].endswith("200")


def test_what_can_not_be_read_is_told_by_a_code(cloud: Cloud, watched: WatchedObject) -> None:
    cloud.denied.add(KEY)
    with pytest.raises(ObjectError, match=r"^(AccessDenied|HTTP 403)$"):
        watched.read(None)


@pytest.mark.parametrize("cloud", ["alicloud"], indirect=True)
def test_a_storage_out_of_reach_is_told(cloud: Cloud) -> None:
    watched = OssObject(where(cloud, "http://127.0.0.1:1"), alicloud.RoleCredentials(cloud.url))
    with pytest.raises(ObjectError, match="URLError"):
        watched.read(None)


def test_it_is_opened_by_the_settings(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    only_the_role(cloud, monkeypatch)
    kinds = {"aws": S3Object, "alicloud": OssObject}
    assert isinstance(open_object(where(cloud, cloud.url), cloud.kind), kinds[cloud.kind])
