"""The front's readers: bodies, JSON, forms, headers, turns, models, ids."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from aigw_node.front import headers, multipart, strict_json
from aigw_node.front.body import Bodies, ClientGone
from aigw_node.front.catalogue import Catalogue
from aigw_node.front.refusal import Form, Refused
from aigw_node.front.response_ids import ResponseIds
from aigw_node.front.routes import SPECS, RouteTable
from aigw_node.front.waiting import WaitingRoom
from aigw_node.settings import Route

KEY = "sk-" + "a" * 48


def status_of(raised: pytest.ExceptionInfo[Refused]) -> int:
    return raised.value.refusal.status


def receiving(*chunks: bytes, then: str = "http.disconnect") -> Any:
    messages = [{"type": "http.request", "body": chunk, "more_body": i < len(chunks) - 1} for i, chunk in enumerate(chunks)]

    async def receive() -> Any:
        return messages.pop(0) if messages else {"type": then}

    return receive


def unfinished(size: int, gate: asyncio.Event) -> Any:
    """So many bytes, and no more until the caller leaves at the gate's opening."""
    first = [{"type": "http.request", "body": b"x" * size, "more_body": True}]

    async def receive() -> Any:
        if first:
            return first.pop()
        await gate.wait()
        return {"type": "http.disconnect"}

    return receive


class TestBodies:
    async def test_reads_a_body_whole(self) -> None:
        assert await Bodies(100).read(receiving(b"ab", b"cd"), 4) == b"abcd"

    async def test_refuses_what_is_announced_too_long_without_a_look_at_it(self) -> None:
        async def never() -> Any:
            raise AssertionError("the body was read")

        with pytest.raises(Refused) as raised:
            await Bodies(100).read(never, 101)
        assert status_of(raised) == 413

    @pytest.mark.parametrize("announced", [None, 3])
    async def test_refuses_what_is_longer_than_it_says(self, announced: int | None) -> None:
        with pytest.raises(Refused) as raised:
            await Bodies(100).read(receiving(b"x" * 60, b"x" * 60), announced)
        assert status_of(raised) == 413

    async def test_ends_what_does_not_arrive(self) -> None:
        async def silent() -> Any:
            await asyncio.sleep(60)

        with pytest.raises(Refused) as raised:
            await Bodies(100, seconds=0.01).read(silent, None)
        assert status_of(raised) == 408

    async def test_tells_when_the_caller_has_left(self) -> None:
        bodies = Bodies(100)
        begun = {"type": "http.request", "body": b"x", "more_body": True}

        async def receive() -> Any:
            return messages.pop(0)

        messages = [begun, {"type": "http.disconnect"}]
        with pytest.raises(ClientGone):
            await bodies.read(receive, None)

    async def test_bounds_all_unfinished_bodies_together_and_frees_them_all(self) -> None:
        bodies, gate = Bodies(100), asyncio.Event()

        tasks = [asyncio.create_task(bodies.read(unfinished(100, gate), None)) for _ in range(8)]
        await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        with pytest.raises(Refused) as raised:
            await bodies.read(receiving(b"x"), None)
        assert (status_of(raised), raised.value.refusal.retry_after) == (503, 2)
        gate.set()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(end, ClientGone) for end in ended)
        assert await bodies.read(receiving(b"x" * 100), None) == b"x" * 100

    async def test_leaves_room_for_others_however_much_one_agent_sends_slowly(self) -> None:
        bodies, gate = Bodies(100), asyncio.Event()

        tasks = [asyncio.create_task(bodies.read(unfinished(99, gate), None, "busy")) for _ in range(20)]
        await asyncio.sleep(0.01)
        assert await bodies.read(receiving(b"x" * 100), None, "other") == b"x" * 100
        gate.set()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert len([end for end in ended if isinstance(end, Refused)]) == 16
        assert await bodies.read(receiving(b"x" * 100), None, "busy") == b"x" * 100


class TestJson:
    def test_reads_an_object(self) -> None:
        assert strict_json.parse('{"a": [1, 2.5, "ä"], "b": null}'.encode()) == {"a": [1, 2.5, "ä"], "b": None}

    @pytest.mark.parametrize(
        "body",
        [
            b"[]",
            b'"text"',
            b"7",
            b"null",
            b"",
            b"{",
            b"{'a': 1}",
            b'{"a": 1, "a": 2}',
            b'{"a": {"b": 1, "b": 1}}',
            b'{"a": NaN}',
            b'{"a": Infinity}',
            b'{"a": -Infinity}',
            b'{"a": 1e999}',
            b'{"a": -1e999}',
            b'{"a": "\xff"}',
            b'{"a": "\n"}',
            b'{"a": 1} {"b": 2}',
            b'{"a":' + b"[" * 900 + b"]" * 900 + b"}",
            b'{"a":' * 70 + b"1" + b"}" * 70,
            b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
            b'{"a":[' + b"1," * 1_000_001 + b"1]}",
            b'{"a": 1' + b"0" * 5000 + b"}",
        ],
        ids=lambda body: body[:20].decode("latin-1"),
    )
    def test_refuses_what_is_no_object_or_could_be_read_in_two_ways(self, body: bytes) -> None:
        with pytest.raises(Refused) as raised:
            strict_json.write(strict_json.parse(body))
        assert status_of(raised) == 400

    def test_refuses_half_of_a_surrogate_pair(self) -> None:
        with pytest.raises(Refused) as raised:
            strict_json.write(strict_json.parse(b'{"a": "\\ud800"}'))
        assert status_of(raised) == 400

    def test_takes_a_long_prompt_and_a_deep_schema(self) -> None:
        prompt = {"messages": [{"role": "user", "content": "word, " * 150_000}]}
        assert strict_json.parse(json.dumps(prompt).encode()) == prompt
        deep: Any = 1
        for _ in range(60):
            deep = {"properties": deep}
        assert strict_json.parse(json.dumps(deep).encode()) == deep


def form(*parts: tuple[str, str, bytes]) -> tuple[str, bytes]:
    lines = [
        f"--X\r\nContent-Disposition: form-data; {said}\r\n{more}\r\n".encode() + value + b"\r\n"
        for said, more, value in parts
    ]
    return "multipart/form-data; boundary=X", b"".join(lines) + b"--X--\r\n"


class TestForms:
    async def test_reads_fields_and_files_and_writes_them_anew(self) -> None:
        said = form(
            ('name="model"', "", b"whisper"),
            (
                'name="file"; filename="../../a b\xc3\xa9.mp3"'.encode().decode("latin-1"),
                "Content-Type: audio/mpeg\r\nX-Evil: 1\r\n",
                b"\x00\x01",
            ),
            ('name="timestamp_granularities[]"', "", b"word"),
            ('name="timestamp_granularities[]"', "", b"segment"),
        )
        values = await multipart.parse(*said)
        assert values["model"] == "whisper"
        assert values["timestamp_granularities[]"] == ["word", "segment"]
        assert (values["file"].type, values["file"].content) == ("audio/mpeg", b"\x00\x01")
        assert values["file"].name.endswith(".mp3") and "/" not in values["file"].name
        content_type, body = multipart.write(values)
        assert await multipart.parse(content_type, body) == values
        assert b"X-Evil" not in body

    async def test_writes_a_form_without_a_file_as_a_form(self) -> None:
        content_type, body = multipart.write({"model": "a"})
        assert content_type.startswith("multipart/form-data")
        assert await multipart.parse(content_type, body) == {"model": "a"}

    @pytest.mark.parametrize(
        ("content_type", "body"),
        [
            ("multipart/form-data", b""),
            ("multipart/form-data; boundary=X", b"no form"),
            form(('name="model"', "", b"a"), ('name="model"', "", b"b")),
            form(('name="a b"', "", b"a")),
            form(('name="' + "a" * 100 + '"', "", b"a")),
            form(*[(f'name="f{i}"', "", b"a") for i in range(101)]),
            form(('name="prompt"', "", b"a" * (1 << 20) + b"a")),
        ],
        ids=["no boundary", "no form", "twice", "name", "long name", "many", "long field"],
    )
    async def test_refuses_what_is_no_form(self, content_type: str, body: bytes) -> None:
        with pytest.raises(Refused) as raised:
            values = await multipart.parse(content_type, body)
            assert values, "an empty form"
        assert status_of(raised) == 400

    @pytest.mark.parametrize("charset", ["punycode", "idna", "utf-7", "utf-16", '"PunyCode"', "no-such"])
    async def test_refuses_other_charsets_of_which_some_take_minutes(self, charset: str) -> None:
        field = b"a" * 400_000 + b"-" + b"a" * 400_000
        body = b'--x\r\ncontent-disposition: form-data; name="prompt"\r\n\r\n' + field + b"\r\n--x--\r\n"
        begun = time.monotonic()
        with pytest.raises(Refused) as raised:
            await multipart.parse(f"multipart/form-data; boundary=x; charset={charset}", body)
        assert status_of(raised) == 400
        assert time.monotonic() - begun < 1
        assert await multipart.parse("multipart/form-data; boundary=x; charset=UTF-8", body) == {"prompt": field.decode()}


class TestHeaders:
    @pytest.mark.parametrize(
        "given",
        [
            [(b"authorization", f"Bearer {KEY}".encode())],
            [(b"Authorization", f"bearer  {KEY}".encode())],
            [(b"x-api-key", KEY.encode())],
            [(b"x-api-key", KEY.encode()), (b"authorization", f"Bearer {KEY}".encode())],
        ],
    )
    def test_finds_the_key(self, given: Any) -> None:
        assert headers.key_of(given) == KEY

    @pytest.mark.parametrize(
        "given",
        [
            [],
            [(b"authorization", b"Bearer")],
            [(b"authorization", b"Basic " + KEY.encode())],
            [(b"authorization", b"Bearer sk-short")],
            [(b"authorization", b"Bearer " + KEY.encode() + b" more")],
            [(b"authorization", b"Bearer " + KEY.encode() + b"\xff")],
            [(b"authorization", b"Bearer sk-" + b"a" * 600)],
            [(b"authorization", f"Bearer {KEY}".encode()), (b"x-api-key", f"{KEY}b".encode())],
            [(b"authorization", f"Bearer {KEY}".encode()), (b"authorization", f"Bearer {KEY}b".encode())],
        ],
    )
    def test_refuses_what_cannot_be_one_and_two_of_them(self, given: Any) -> None:
        with pytest.raises(Refused) as raised:
            headers.key_of(given)
        assert status_of(raised) == 401
        assert KEY not in raised.value.refusal.message

    def test_makes_all_that_litellm_gets(self) -> None:
        given = [
            *[
                (name, b"evil")
                for name in (b"x-litellm-tags", b"x-litellm-call-id", b"x-forwarded-for", b"cookie", b"host", b"traceparent")
            ],
            (b"anthropic-beta", b"context-1m-2025-08-07,interleaved-thinking-2025-05-14"),
            (b"anthropic-version", b"2023-06-01"),
            (b"user-agent", b"claude-cli/2.1"),
        ]
        for spec in SPECS:
            made = headers.for_litellm(given, spec, key=KEY, call="call", content_type="application/json", length=2)
            names = [name for name, _ in made]
            assert len(set(names)) == len(names)
            own = {b"host", b"authorization", b"x-litellm-call-id", b"content-type", b"content-length", b"user-agent"}
            assert set(names) == own | ({b"anthropic-beta", b"anthropic-version"} if spec.form is Form.ANTHROPIC else set())
            assert not [value for _, value in made if value == b"evil"]

    @pytest.mark.parametrize("value", [b"a\r\nX-Evil: 1", b"x" * 3000, b"a;b", b""])
    def test_drops_a_beta_that_is_no_list_of_names(self, value: bytes) -> None:
        spec = next(spec for spec in SPECS if spec.name == "messages")
        made = headers.for_litellm([(b"anthropic-beta", value)], spec, key=KEY, call="c", content_type="a/b", length=0)
        assert b"anthropic-beta" not in dict(made)


class TestTurns:
    async def test_serves_as_many_as_there_are_slots_and_each_agent_in_its_turn(self) -> None:
        room, served = WaitingRoom(100, slots=1), []
        first = await room.enter("busy")

        async def ask(agent: str) -> None:
            leave = await room.enter(agent)
            served.append(agent)
            await asyncio.sleep(0)
            leave()
            leave()  # a second time changes nothing

        tasks = [asyncio.create_task(ask("busy")) for _ in range(3)]
        await asyncio.sleep(0)
        tasks.append(asyncio.create_task(ask("other")))
        await asyncio.sleep(0)
        first()
        await asyncio.gather(*tasks)
        assert served == ["busy", "other", "busy", "busy"]

    async def test_refuses_beyond_its_bound_the_busiest_agents_last(self) -> None:
        room = WaitingRoom(3, slots=1)
        leave = await room.enter("busy")
        waiting = [asyncio.create_task(room.enter("busy")) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(Refused) as raised:
            await room.enter("busy")
        assert (status_of(raised), raised.value.refusal.retry_after) == (503, 1)
        other = asyncio.create_task(room.enter("other"))
        await asyncio.sleep(0)
        with pytest.raises(Refused):
            await waiting[2]
        leave()
        (await waiting[0])()
        (await other)()
        (await waiting[1])()
        (await room.enter("busy"))()

    async def test_ends_a_turn_of_who_waits_for_something_else(self) -> None:
        room = WaitingRoom(10, slots=1, turn=0.05)
        leave = await room.enter("slow")
        other = await asyncio.wait_for(room.enter("other"), 1)
        leave()  # its turn is over already, and given back once
        third = asyncio.create_task(room.enter("third"))
        await asyncio.sleep(0)
        assert not third.done()
        other()
        (await third)()

    async def test_loses_no_turn_of_callers_that_leave(self) -> None:
        room = WaitingRoom(10, slots=1)
        leave = await room.enter("a")
        gone = [asyncio.create_task(room.enter("b")) for _ in range(3)]
        await asyncio.sleep(0)
        gone[0].cancel()
        leave()
        gone[1].cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        (await asyncio.wait_for(gone[2], 1))()
        (await asyncio.wait_for(room.enter("c"), 1))()


CATALOGUE = Catalogue(
    {
        "model_list": [
            {"model_name": "gpt", "litellm_params": {"model": "openai/gpt-4o"}, "model_info": {"id": "openai-1"}},
            {"model_name": "gpt", "litellm_params": {"model": "azure/gpt-4o"}, "model_info": {"id": "azureOpenai-1"}},
            {
                "model_name": "vendor/claude",
                "litellm_params": {"model": "anthropic/claude"},
                "model_info": {"id": "anthropic-1"},
            },
        ],
        "router_settings": {"model_group_alias": {"short": "gpt"}},
    }
)


class TestCatalogue:
    def test_knows_names_aliases_and_what_serves_them(self) -> None:
        assert CATALOGUE.names() == ["gpt", "vendor/claude", "short"]
        assert CATALOGUE.kinds("short") == {"openai", "azure"}
        deployment = CATALOGUE.deployment("openai-1")
        assert deployment and CATALOGUE.is_of(deployment, "short") and not CATALOGUE.is_of(deployment, "vendor/claude")

    @pytest.mark.parametrize(
        "model", ["gpt,gpt", "openai/gpt-4o", "openai-1", "gpt-4o", "anthropic/claude", "gpt ", "GPT", "*", "a" * 5000]
    )
    def test_takes_nothing_but_a_name(self, model: str) -> None:
        with pytest.raises(Refused) as raised:
            CATALOGUE.check(model)
        assert (status_of(raised), raised.value.refusal.code) == (404, "model_not_found")
        assert model not in raised.value.refusal.message

    @pytest.mark.parametrize("model", [["gpt"], {"id": "gpt"}, 7, None, ""])
    def test_takes_nothing_but_a_text(self, model: Any) -> None:
        with pytest.raises(Refused) as raised:
            CATALOGUE.check(model)
        assert status_of(raised) == 400

    def test_refuses_a_model_whose_provider_litellm_cannot_ask_on_a_route(self) -> None:
        specs = {spec.name: spec for spec in SPECS}
        CATALOGUE.check_route(specs["image-edits"], "gpt")
        for name, model in [("moderations", "gpt"), ("moderations", "vendor/claude"), ("image-edits", "vendor/claude")]:
            with pytest.raises(Refused) as raised:
                CATALOGUE.check_route(specs[name], model)
            assert status_of(raised) == 400


class TestRoutes:
    TABLE = RouteTable([Route(spec.method, spec.path) for spec in SPECS])

    @pytest.mark.parametrize(
        ("method", "path", "name"),
        [
            ("POST", "/v1/chat/completions", "chat"),
            ("GET", "/v1/models/vendor/claude", "models"),
            ("DELETE", "/v1/responses/resp_1", "response"),
            ("POST", "/v1/responses/resp_1/cancel", "response-cancel"),
            ("POST", "/v1/messages/count_tokens", "count-tokens"),
        ],
    )
    def test_finds(self, method: str, path: str, name: str) -> None:
        found = self.TABLE.find(method, path)
        assert found and found.spec.name == name

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/v1/chat/completions"),
            ("POST", "/v1/chat/completions/"),
            ("POST", "/chat/completions"),
            ("POST", "//v1/chat/completions"),
            ("GET", "/v1/responses"),
            ("GET", "/v1/responses/"),
            ("GET", "/v1/responses/a/input_items"),
            ("POST", "/v1/responses/a/b/cancel"),
            ("POST", "/key/generate"),
            ("GET", "/v1/files"),
        ],
    )
    def test_finds_nothing_else(self, method: str, path: str) -> None:
        assert self.TABLE.find(method, path) is None

    def test_opens_only_what_the_settings_open(self) -> None:
        assert RouteTable([Route("POST", "/v1/completions")]).find("POST", "/v1/chat/completions") is None


class TestResponseIds:
    IDS = ResponseIds("salt")

    def test_takes_back_only_what_an_agent_got(self) -> None:
        signed = self.IDS.sign("a", "resp_1")
        assert self.IDS.raw("a", signed) == "resp_1"
        for agent, said in [
            ("b", signed),
            ("a", "resp_1"),
            ("a", signed[:-1]),
            ("a", "resp_1.\ud800"),
            ("a", "resp_1.ä"),
            ("a", signed.replace("1", "2", 1)),
            ("a", ""),
            ("a", None),
            ("a", ["x"]),
        ]:
            with pytest.raises(Refused) as raised:
                self.IDS.raw(agent, said)
            assert status_of(raised) == 404

    def test_signs_with_a_secret_of_the_gateway(self) -> None:
        assert ResponseIds("other").sign("a", "resp_1") != self.IDS.sign("a", "resp_1")

    def test_signs_the_ids_of_an_event(self) -> None:
        response = {"id": "resp_1", "object": "response", "metadata": {"id": "resp_2"}}
        told = self.IDS.rewrite("a")({"type": "response.created", "response": response})
        assert told["response"] == {**response, "id": self.IDS.sign("a", "resp_1")}

    def test_signs_no_text_that_a_caller_can_have_echoed(self) -> None:
        """Else the gateway would sign another agent's id for whoever asks."""
        value = {
            "id": "resp_1",
            "object": "response",
            "metadata": {"id": "resp_v", "response_id": "resp_v"},
            "instructions": '"id":"resp_v"',
        }
        assert self.IDS.rewrite("a")(value) == {**value, "id": self.IDS.sign("a", "resp_1")}

    def test_answers_with_the_id_that_was_asked_for(self) -> None:
        signed = self.IDS.sign("a", "resp_long")
        value = {"id": "resp_short", "object": "response", "deleted": True}
        assert self.IDS.rewrite("a", asked=signed)(value) == {**value, "id": signed}
