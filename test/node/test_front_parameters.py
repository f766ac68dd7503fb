"""Which parameters of a request pass: by name, by what they name of a provider's account, by their values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from aigw_node.front.multipart import File
from aigw_node.front.parameters import FORBIDDEN, OPENABLE, TABLE, Cleaned, Parameters, add_carried
from aigw_node.front.refusal import Refused
from aigw_node.front.routes import SPECS, Body

from synthesized import PROJECT

ROUTES = {spec.name: spec for spec in SPECS if spec.body is not Body.NONE}
FILE = File("a.wav", "audio/wav", b"RIFF")
PUBLIC = "https://images.example.com/a.png"


def clean(
    route: str,
    body: Mapping[str, Any],
    *kinds: str,
    extra: Mapping[str, Iterable[str]] | None = None,
    opened: Iterable[str] = (),
) -> Cleaned:
    return Parameters(extra or {}, opened).clean(ROUTES[route], body, kinds)


def refused(route: str, body: Mapping[str, Any], *, opened: Iterable[str] = ()) -> str:
    with pytest.raises(Refused) as raised:
        clean(route, body, "openai", "anthropic", opened=opened)
    assert raised.value.refusal.status == 400
    return raised.value.refusal.message


class TestNames:
    @pytest.mark.parametrize("route", sorted(TABLE))
    @pytest.mark.parametrize(
        "name",
        "provider_specific_header litellm_vector_store_caller_metadata litellm_metadata litellm_logging_obj api_key "
        "api_base extra_headers extra_body headers custom_llm_provider user_config mock_response fallbacks guardrails tags "
        "proxy_server_request user_api_key_hash Model MODEL model[] messages[] input[]".split(),
    )
    def test_what_is_no_parameter_of_the_route_is_dropped_and_named(self, route: str, name: str) -> None:
        cleaned = clean(route, {name: {"x": 1}}, "openai", "anthropic", "hosted_vllm", "dashscope")
        assert (cleaned.body, cleaned.carried, cleaned.dropped) == ({}, {}, (name,))

    @pytest.mark.parametrize(
        ("route", "name"),
        [
            ("messages", "speed"),
            ("chat", "container"),
            ("chat", "reasoning"),
            ("messages", "reasoning"),
            ("embeddings", "reasoning"),
            ("images", "container"),
            ("completions", "tools"),
            ("rerank", "stream"),
            ("count-tokens", "max_tokens"),
        ],
    )
    def test_what_other_routes_have_is_dropped(self, route: str, name: str) -> None:
        assert clean(route, {name: "x"}).dropped == (name,)

    def test_the_table_has_each_route_that_takes_parameters(self) -> None:
        assert set(TABLE) == set(ROUTES)

    @pytest.mark.parametrize("route", sorted(TABLE))
    def test_a_name_is_judged_once_and_none_is_forbidden(self, route: str) -> None:
        table = TABLE[route]
        names = [*table.get("pass", ()), *table.get("drop", ()), *table.get("carry", {}), *table.get("ids", {})]
        assert len(names) == len(set(names))
        assert FORBIDDEN.isdisjoint({*table.get("pass", ()), *table.get("carry", {}), *table.get("ids", {})})
        assert set(table.get("ids", {}).values()) <= set(OPENABLE)

    def test_null_is_as_if_not_given(self) -> None:
        assert clean("chat", {"seed": None, "background": None, "api_key": None}) == Cleaned({}, (), {})

    def test_synthesis_refuses_the_same_names(self) -> None:
        source = (PROJECT / "src/node/install-props.ts").read_text()
        found = re.search(r"NEVER_PASSED[^=]*= \((.*?)\)\.split", source, re.DOTALL)
        assert found is not None
        assert {name for text in re.findall(r'"([^"]*)"', found[1]) for name in text.split()} == FORBIDDEN


class TestExtra:
    def test_passes_on_its_route_or_on_all(self) -> None:
        extra = {"chat": ["my_flag"], "*": ["everywhere"]}
        assert clean("chat", {"my_flag": 1, "everywhere": 2}, extra=extra).body == {"my_flag": 1, "everywhere": 2}
        assert clean("speech", {"my_flag": 1, "everywhere": 2}, extra=extra) == Cleaned({"everywhere": 2}, ("my_flag",), {})

    @pytest.mark.parametrize("name", sorted(FORBIDDEN))
    def test_never_passes_what_is_forbidden(self, name: str) -> None:
        assert clean("chat", {name: "x"}, extra={"*": [name], "chat": [name]}).dropped == (name,)

    def test_is_judged_like_all_others(self) -> None:
        with pytest.raises(Refused):
            clean("chat", {"attachments": [{"file_id": "file-1"}]}, extra={"chat": ["attachments"]})


class TestUncounted:
    @pytest.mark.parametrize("value", [True, "true", 1, "false", {"a": 1}])
    def test_background_responses_are_refused(self, value: Any) -> None:
        assert "background" in refused("responses", {"input": "x", "background": value})

    def test_what_is_no_background_response_passes(self) -> None:
        assert clean("responses", {"background": False}).body == {"background": False}
        assert clean("images", {"background": "transparent"}).body == {"background": "transparent"}

    @pytest.mark.parametrize(
        ("route", "body"),
        [
            ("images", {"stream": True}),
            ("image-edits", {"stream": "true"}),
            ("image-edits", {"stream": "True"}),
            ("image-edits", {"stream": "on"}),
            ("transcriptions", {"stream": "yes"}),
            ("transcriptions", {"stream": "1"}),
            ("speech", {"stream_format": "sse"}),
            ("speech", {"stream_format": ["sse"]}),
        ],
    )
    def test_streams_without_usage_are_refused(self, route: str, body: dict[str, Any]) -> None:
        assert "does not stream" in refused(route, body)

    @pytest.mark.parametrize(("route", "value"), [("images", False), ("transcriptions", "false"), ("image-edits", "False")])
    def test_no_stream_is_not_told_as_a_text_that_is_true(self, route: str, value: Any) -> None:
        assert clean(route, {"stream": value}).body == {}


def user(*parts: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts)}]}


def item(*items: Any) -> dict[str, Any]:
    return {"input": list(items)}


ACCOUNT = [
    ("files", "chat", user({"type": "file", "file": {"file_id": "file-1"}})),
    ("files", "responses", item({"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]})),
    ("files", "responses", item({"role": "user", "content": [{"type": "input_image", "file_id": "file-1"}]})),
    (
        "files",
        "responses",
        item(
            {"type": "computer_call_output", "call_id": "1", "output": {"type": "computer_screenshot", "file_id": "file-1"}}
        ),
    ),
    ("files", "responses", {"tools": [{"type": "image_generation", "input_image_mask": {"file_id": "file-1"}}]}),
    ("files", "responses", {"tools": [{"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["file-1"]}}]}),
    ("files", "messages", user({"type": "document", "source": {"type": "file", "file_id": "file_1"}})),
    ("files", "messages", user({"type": "container_upload", "file_id": "file_1"})),
    (
        "files",
        "messages",
        user(
            {
                "type": "tool_result",
                "tool_use_id": "t",
                "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}],
            }
        ),
    ),
    ("files", "count-tokens", user({"type": "document", "source": {"type": "file", "file_id": "file_1"}})),
    ("vector-stores", "responses", {"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]}),
    ("vector-stores", "chat", {"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]}),
    ("vector-stores", "chat", {"tools": [{"type": "function", "vector_store_ids": ["vs_1"]}]}),
    ("containers", "responses", {"tools": [{"type": "code_interpreter", "container": "cntr_1"}]}),
    (
        "containers",
        "responses",
        {"tools": [{"type": "shell", "environment": {"type": "container_reference", "container_id": "cntr_1"}}]},
    ),
    (
        "containers",
        "responses",
        {
            "tools": [
                {
                    "type": "shell",
                    "environment": {
                        "type": "container_auto",
                        "skills": [{"type": "skill_reference", "skill_id": "skill_1"}],
                    },
                }
            ]
        },
    ),
    ("containers", "responses", item({"type": "code_interpreter_call", "id": "ci_1", "container_id": "cntr_1"})),
    ("containers", "messages", {"container": "container_1"}),
    (
        "containers",
        "messages",
        {"container": {"skills": [{"type": "custom", "skill_id": "skill_1"}]}},
    ),
    ("conversations", "responses", {"conversation": "conv_1"}),
    ("conversations", "responses", {"conversation": {"id": "conv_1"}}),
    ("conversations", "responses", item({"type": "item_reference", "id": "msg_1"})),
    ("conversations", "responses", item({"id": "msg_1"})),
    ("conversations", "chat", {"messages": [{"role": "assistant", "audio": {"id": "audio_1"}}]}),
    ("conversations", "messages", {"thread": {"type": "continue", "previous_message_id": "msg_1"}}),
    ("prompts", "responses", {"prompt": {"id": "pmpt_1"}}),
    (
        "mcp-servers",
        "responses",
        {"tools": [{"type": "mcp", "server_label": "x", "server_url": "https://mcp.example.com"}]},
    ),
    ("mcp-servers", "responses", {"tools": [{"type": "mcp", "server_label": "x", "connector_id": "connector_gmail"}]}),
    ("mcp-servers", "chat", {"tools": [{"type": "mcp", "server_url": "litellm_proxy"}]}),
    ("mcp-servers", "messages", {"mcp_servers": [{"type": "url", "name": "x", "url": "https://mcp.example.com"}]}),
    ("mcp-servers", "count-tokens", {"mcp_servers": [{"type": "url", "name": "x", "url": "https://mcp.example.com"}]}),
]

SCHEMA = {
    "type": "object",
    "properties": {
        "url": {"type": "string", "default": "http://localhost"},
        "image_url": {"type": "string"},
        "file_id": {"type": "string"},
        "file_ids": {"type": "array"},
        "server_url": {"type": "string", "const": "http://10.0.0.1"},
        "vector_store_ids": {"type": "array"},
        "container": {"type": "string"},
    },
    "default": {"file_id": "x", "server_url": "y", "type": "mcp", "vector_store_ids": ["z"]},
    "required": ["file_id", "server_url"],
}
ARGUMENTS = {
    "file_id": "x",
    "file_ids": ["x"],
    "server_url": "http://10.0.0.1",
    "type": "mcp",
    "image_url": "http://localhost/",
}
OWN = [
    ("chat", {"tools": [{"type": "function", "function": {"name": "read", "parameters": SCHEMA}}]}),
    ("chat", {"functions": [{"name": "read", "parameters": SCHEMA}]}),
    ("chat", {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}}),
    ("responses", {"tools": [{"type": "function", "name": "read", "parameters": SCHEMA}]}),
    ("responses", {"text": {"format": {"type": "json_schema", "name": "x", "schema": SCHEMA}}}),
    ("messages", {"tools": [{"name": "read", "input_schema": SCHEMA, "input_examples": [ARGUMENTS]}]}),
    ("messages", {"output_format": {"type": "json_schema", "schema": SCHEMA}}),
    (
        "messages",
        {
            "messages": [
                {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "read", "input": ARGUMENTS}]}
            ]
        },
    ),
    (
        "messages",
        {
            "messages": [
                {
                    "role": "assistant",
                    "content": [{"type": "server_tool_use", "id": "t", "name": "web_fetch", "input": ARGUMENTS}],
                }
            ]
        },
    ),
    (
        "chat",
        {
            "messages": [
                {"role": "assistant", "tool_calls": [{"function": {"name": "read", "arguments": '{"file_id": "x"}'}}]},
                {"role": "tool", "content": '{"server_url": "http://10.0.0.1"}'},
            ]
        },
    ),
    (
        "responses",
        item(
            {
                "role": "assistant",
                "type": "message",
                "id": "msg_1",
                "content": [
                    {
                        "type": "output_text",
                        "text": "so",
                        "annotations": [
                            {"type": "file_citation", "file_id": "file-1"},
                            {"type": "container_file_citation", "file_id": "cfile_1", "container_id": "cntr_1"},
                            {"type": "file_path", "file_id": "file-1"},
                            {"type": "url_citation", "url": "http://localhost/"},
                        ],
                    }
                ],
            }
        ),
    ),
    ("responses", item({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"})),
    ("responses", item({"type": "function_call", "id": "fc_1", "call_id": "c", "name": "read", "arguments": "{}"})),
    (
        "responses",
        item(
            {"type": "web_search_call", "id": "ws_1", "action": {"type": "search", "sources": [{"type": "url", "url": "x"}]}}
        ),
    ),
    ("responses", item({"id": "msg_1", "role": "user", "content": "hello"})),
    ("responses", {"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]}),
    ("responses", {"input": "file_id: file-1", "tools": [{"type": "web_search"}, {"type": "local_shell"}]}),
    (
        "messages",
        {
            "messages": [
                {
                    "role": "assistant",
                    "content": [
                        {
                            "type": "text",
                            "text": "so",
                            "citations": [{"type": "char_location", "file_id": "file_1", "cited_text": "a"}],
                        },
                        {
                            "type": "bash_code_execution_tool_result",
                            "content": {
                                "type": "bash_code_execution_result",
                                "content": [{"type": "bash_code_execution_output", "file_id": "file_1"}],
                            },
                        },
                        {
                            "type": "web_search_tool_result",
                            "content": [{"type": "web_search_result", "url": "http://localhost/", "title": "x"}],
                        },
                    ],
                }
            ]
        },
    ),
    ("rerank", {"query": "x", "documents": [{"text": "a", "file_id": "my-own", "image_url": "a.png"}]}),
]


class TestAccount:
    @pytest.mark.parametrize(("what", "route", "body"), ACCOUNT)
    def test_what_names_something_of_the_providers_account_is_refused(
        self, what: str, route: str, body: dict[str, Any]
    ) -> None:
        assert f"({what})" in refused(route, body)
        assert f"({what})" in refused(route, body, opened=set(OPENABLE) - {what})

    @pytest.mark.parametrize(("what", "route", "body"), ACCOUNT)
    def test_passes_if_the_gateway_opens_it(self, what: str, route: str, body: dict[str, Any]) -> None:
        if "litellm_proxy" not in str(body):
            assert clean(route, body, "openai", opened=[what]).body == body

    @pytest.mark.parametrize(("route", "body"), OWN)
    def test_what_is_the_callers_own_passes(self, route: str, body: dict[str, Any]) -> None:
        assert clean(route, body, "openai") == Cleaned(body, (), {})

    def test_nothing_named_is_nothing(self) -> None:
        assert clean("messages", {"mcp_servers": [], "container": None}) == Cleaned({}, (), {})

    @pytest.mark.parametrize("url", ["litellm_proxy", "litellm_proxy/mcp/x", "http://127.0.0.1:4000/mcp"])
    def test_an_opened_mcp_server_is_a_public_one(self, url: str) -> None:
        assert "URL" in refused("responses", {"tools": [{"type": "mcp", "server_url": url}]}, opened=OPENABLE)
        assert "URL" in refused("messages", {"mcp_servers": [{"type": "url", "url": url}]}, opened=OPENABLE)

    def test_what_is_carried_is_judged_too(self) -> None:
        with pytest.raises(Refused):
            clean("chat", {"search_options": {"file_id": "file-1"}}, "dashscope")


INNER = """
http://169.254.169.254/latest/meta-data http://127.0.0.1/ http://127.0.0.1:4000/ http://[::1]/ http://localhost/ http://localhost.
http://foo.localhost/ http://2130706433/ http://0x7f000001/ http://0x7f.0.0.1/ http://127.1/ http://0177.0.0.1/ http://0/
http://10.0.0.1/ http://172.16.0.1/ http://192.168.1.1/ http://100.100.100.200/latest http://168.63.129.16/ http://0.0.0.0/
http://[::ffff:127.0.0.1]/ http://[64:ff9b::a9fe:a9fe]/ http://[2002:7f00:1::]/ http://[fd00:ec2::254]/ http://224.0.0.1/
http://metadata.google.internal/ http://redis.internal:6379/ http://redis.internal./ http://printer.local/ http://redis/
HTTP://127.0.0.1/ http://127.0.0.1./ http://user@example.com/ http://example.com@127.0.0.1/ http://127.0.0.1\\.example.com/
http://example.com\\@127.0.0.1/ http://127.0.0.1%2f.example.com/ file:///etc/passwd
/etc/passwd //169.254.169.254/ ftp://example.com/a gs://bucket/a s3://bucket/a http:///a http:// javascript:alert(1) x
http://exam\tple.com/ http://1.1.1.1.0x7f/ http://256.0.0.1/ unix:///run/x http://example.com:99999999/
""".replace("\\t", "\t").replace("\\n", "\n")
INNER_URLS = [url.replace("\\\\", "\\") for url in INNER.split(" ") for url in url.strip("\n").split("\n") if url]
INNER_URLS += [
    "http://\uff11\uff12\uff17.0.0.1/",
    "http://\u24dbocalhost.com/",
    "http://example.com/\n",
    " http://example.com/",
    "http://example.com/\r\nX-Evil: 1",
]
OUTER_URLS = [
    PUBLIC,
    "HTTPS://Images.Example.COM:8443/a.png?x=1&y=//127.0.0.1#z",
    "http://example.com",
    "https://my_bucket.s3.amazonaws.com/a b.png",
    "http://8.8.8.8/a.png",
    "https://xn--bcher-kva.example/ü.png",
    "https://www.example.com./a",
    "data:image/png;base64,AAAA",
    "DATA:image/png;base64,AAAA",
]
PLACES: list[tuple[str, Any]] = [
    ("chat", lambda url: user({"type": "image_url", "image_url": {"url": url}})),
    ("chat", lambda url: user({"type": "image_url", "image_url": url})),
    ("chat", lambda url: user({"type": "video_url", "video_url": {"url": url}})),
    ("chat", lambda url: user({"type": "audio_url", "audio_url": {"url": url}})),
    ("responses", lambda url: item({"role": "user", "content": [{"type": "input_image", "image_url": url}]})),
    ("responses", lambda url: item({"role": "user", "content": [{"type": "input_file", "file_url": url}]})),
    ("messages", lambda url: user({"type": "image", "source": {"type": "url", "url": url}})),
    (
        "messages",
        lambda url: user({"type": "tool_result", "content": [{"type": "document", "source": {"type": "url", "url": url}}]}),
    ),
]


class TestUrls:
    @pytest.mark.parametrize("url", INNER_URLS)
    def test_what_is_not_written_as_public_is_refused(self, url: str) -> None:
        assert "URL" in refused("chat", user({"type": "image_url", "image_url": {"url": url}}))

    @pytest.mark.parametrize(("route", "place"), PLACES)
    def test_in_each_place(self, route: str, place: Any) -> None:
        assert "URL" in refused(route, place("http://169.254.169.254/"))
        assert clean(route, place(PUBLIC), "openai").body == place(PUBLIC)

    @pytest.mark.parametrize("url", OUTER_URLS)
    def test_public_ones_and_data_pass(self, url: str) -> None:
        body = user({"type": "image_url", "image_url": {"url": url}})
        assert clean("chat", body, "openai").body == body

    def test_where_litellm_takes_a_url_for_content(self) -> None:
        url = "http://169.254.169.254/"
        assert "URL" in refused("chat", user({"type": "file", "file": {"file_data": url}}))
        assert "URL" in refused("chat", user({"type": "file", "file": {"file_data": f" {url}"}}))
        assert "URL" in refused("chat", user({"type": "file", "file": {"file_id": url}}), opened=["files"])
        assert "URL" in refused("chat", user({"type": "input_audio", "input_audio": {"data": url}}))
        for data in ("AAAA+/==", "data:application/pdf;base64,AAAA"):
            body = user(
                {"type": "file", "file": {"file_data": data}}, {"type": "input_audio", "input_audio": {"data": data}}
            )
            assert clean("chat", body).body == body


class TestMetadata:
    def test_labels_are_texts_and_bounded(self) -> None:
        said = {"ticket": "A-1", "n": 1, "deep": {"a": "b"}, "x" * 65: "a", "long": "a" * 513, "a\nb": "c", "": "x"}
        cleaned = clean("responses", {"metadata": said}, "openai")
        assert cleaned.carried == {"metadata": {"ticket": "A-1"}}
        assert set(cleaned.dropped) == {f"metadata.{name}" for name in said if name != "ticket"}

    def test_at_most_sixteen(self) -> None:
        cleaned = clean("responses", {"metadata": {f"n{number}": "x" for number in range(20)}}, "openai")
        assert len(cleaned.carried["metadata"]) == 16
        assert len(cleaned.dropped) == 4

    @pytest.mark.parametrize("route", ["chat", "responses", "messages"])
    def test_litellm_never_takes_them_for_its_own(self, route: str) -> None:
        cleaned = clean(route, {"metadata": {"user_api_key_hash": "x", "tags": "y"}, "store": True}, "openai", "anthropic")
        assert "metadata" not in cleaned.body

    def test_anthropic_gets_the_user_and_nothing_else(self) -> None:
        """LiteLLM sends no more of it, and the deployment's call has it where LiteLLM keeps its own."""
        said = {"user_id": "u", "user_api_key_hash": "x", "tags": "y", "litellm_call_id": "z"}
        cleaned = clean("messages", {"metadata": said}, "anthropic")
        assert cleaned.carried == {"metadata": {"user_id": "u"}}
        assert set(cleaned.dropped) == {f"metadata.{name}" for name in said if name != "user_id"}

    @pytest.mark.parametrize("value", ["x", ["x"], 1])
    def test_is_an_object(self, value: Any) -> None:
        assert "metadata" in refused("responses", {"metadata": value})
        assert "metadata" in refused("messages", {"metadata": value})


class TestNumbers:
    @pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens", "n"])
    @pytest.mark.parametrize("value", [0, -1, 1.5, "5", True, [1], {"a": 1}, 10**12])
    def test_what_the_limits_reckon_with_is_a_whole_number(self, name: str, value: Any) -> None:
        assert name in refused("chat", {name: value})

    @pytest.mark.parametrize(
        ("route", "body"),
        [
            ("responses", {"max_output_tokens": "x"}),
            ("completions", {"best_of": 129}),
            ("messages", {"max_tokens": -5}),
            ("rerank", {"top_n": 0}),
            ("chat", {"stream": "false"}),
            ("messages", {"stream": 1}),
            ("image-edits", {"n": "0"}),
            ("image-edits", {"n": "²"}),
            ("image-edits", {"n": "1e3"}),
            ("image-edits", {"n": "129"}),
        ],
    )
    def test_on_each_route(self, route: str, body: dict[str, Any]) -> None:
        refused(route, body)

    def test_good_ones_pass(self) -> None:
        body = {"max_tokens": 4096, "n": 2, "stream": True}
        assert clean("chat", body).body == body
        assert clean("image-edits", {"n": "4"}).body == {"n": "4"}


class TestForms:
    def test_files_are_files_and_fields_are_texts(self) -> None:
        body = {"file": FILE, "language": "en", "timestamp_granularities[]": ["word"], "include[]": ["logprobs"]}
        assert clean("transcriptions", body) == Cleaned(body, (), {})
        assert clean("image-edits", {"image[]": [FILE, FILE], "mask": FILE}).body == {"image[]": [FILE, FILE], "mask": FILE}
        assert "must be a file" in refused("transcriptions", {"file": "https://example.com/a.wav"})
        assert "must not be a file" in refused("transcriptions", {"prompt": FILE})
        assert "must be a file" in refused("image-edits", {"image[]": [FILE, "x"]})
        assert "must not be a file" in refused("image-edits", {"size": FILE})

    def test_a_field_is_no_list_as_well(self) -> None:
        """LiteLLM adds the second to the first, which is no list."""
        assert "twice" in refused("image-edits", {"image": FILE, "image[]": [FILE]})
        assert "twice" in refused("transcriptions", {"include[]": ["logprobs"], "include": "logprobs"})

    @pytest.mark.parametrize("name", ["n[]", "stream[]", "prompt[]", "file[]", "user[]", "model[]"])
    def test_what_is_no_list_passes_not_as_one(self, name: str) -> None:
        for route in ("image-edits", "transcriptions"):
            assert clean(route, {name: ["x"]}, "openai") == Cleaned({}, (name,), {})


class TestCarried:
    def test_goes_to_its_kinds_only(self) -> None:
        body = {"min_p": 0.1, "enable_thinking": True, "user": "u"}
        assert clean("chat", body, "hosted_vllm") == Cleaned({}, ("enable_thinking", "user"), {"min_p": 0.1})
        assert clean("chat", body, "openai") == Cleaned({}, ("enable_thinking", "min_p"), {"user": "u"})
        carried = clean("chat", body, "hosted_vllm", "dashscope", "openai").carried
        assert carried == body
        for kind, sent, other in (("hosted_vllm", "min_p", "enable_thinking"), ("dashscope", "enable_thinking", "min_p")):
            made = str(add_carried({}, ROUTES["chat"], carried, kind))
            assert sent in made
            assert other not in made

    def test_labels_go_with_what_is_stored(self) -> None:
        body = {"metadata": {"ticket": "A-1"}}
        assert clean("chat", body, "openai") == Cleaned({}, ("metadata",), {})
        assert clean("chat", {**body, "store": True}, "openai").carried == body
        assert clean("responses", body, "openai").carried == body

    @pytest.mark.parametrize("name", ["user", "safety_identifier"])
    @pytest.mark.parametrize("value", [1, ["x"], {"x": 1}])
    def test_a_user_is_a_text(self, name: str, value: Any) -> None:
        assert name in refused("chat", {name: value})
