"""What a request is held for, and what is counted of it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from aigw_node.ledger.estimate import IMAGE, MOST, PICTURE, Asked, Estimate, estimate
from aigw_node.ledger.money import in_dollars, microdollars
from aigw_node.ledger.prices import dearest
from aigw_node.ledger.settle import Used, used

PRICED = {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}


def of_chat(content: Any, **more: Any) -> Estimate:
    return estimate("chat", {"messages": [{"content": content}], **more})


def test_the_longest_answer_is_held() -> None:
    assert of_chat("x", max_tokens=50).answer == 50
    assert of_chat("x", max_completion_tokens=5).answer == 5
    assert of_chat("x").answer == 1000
    assert of_chat("x", max_tokens=50, n=20).answer == 1000
    assert of_chat("x", thinking={"type": "enabled", "budget_tokens": 9000}).answer == 9000
    assert estimate("completions", {"prompt": "x", "n": 2, "best_of": 5}).answer == 5000
    assert estimate("completions", {"prompt": ["a", "b", "c"], "max_tokens": 10}).answer == 30
    assert estimate("completions", {"prompt": [[1, 2], [3, 4]], "max_tokens": 10}).answer == 20
    assert estimate("completions", {"prompt": [1, 2, 3], "max_tokens": 10}) == Estimate(3, 10)
    assert of_chat("x", max_tokens=10**400).tokens == MOST
    for odd in (0, -3, True, "9", 2.5, None):
        assert of_chat("x", max_tokens=50, n=odd).answer == 50
        assert of_chat("x", max_tokens=odd or True).answer in (0, 1000)


@pytest.mark.parametrize("text", ["你好" * 500, "こんにちは" * 200, "안녕하세요" * 200, "🙂" * 1000, "é" * 1000])
def test_a_character_of_another_script_is_a_token_at_least(text: str) -> None:
    assert of_chat(text).prompt >= 1000


@pytest.mark.parametrize(
    ("route", "data"),
    [
        ("chat", {"messages": [{"content": "x" * 4000}]}),
        ("chat", {"messages": [{"content": [{"type": "text", "text": "data:" + "x" * 4000}]}]}),
        ("chat", {"messages": [], "tools": [{"function": {"description": "x" * 4000}}]}),
        ("chat", {"messages": [], "tools": [{"function": {"parameters": {"properties": {"x" * 4000: {}}}}}]}),
        ("chat", {"messages": [], "response_format": {"json_schema": {"schema": {"enum": ["x" * 4000]}}}}),
        ("chat", {"messages": [{"role": "assistant", "tool_calls": [{"function": {"arguments": "x" * 4000}}]}]}),
        ("messages", {"system": [{"type": "text", "text": "x" * 4000}], "messages": []}),
        ("messages", {"messages": [{"content": [{"type": "tool_result", "content": "x" * 4000}]}]}),
        ("responses", {"instructions": "x" * 4000}),
        ("responses", {"input": [{"type": "message", "content": [{"type": "input_text", "text": "x" * 4000}]}]}),
        ("completions", {"prompt": ["x" * 2000, "x" * 2000]}),
        ("completions", {"prompt": [[1] * 500, [2] * 500]}),
        ("embeddings", {"input": ["x" * 2000, "x" * 2000]}),
        ("embeddings", {"input": [[1] * 500, [2] * 500]}),
        ("rerank", {"query": "x", "documents": ["x" * 2000, {"text": "x" * 2000}]}),
    ],
)
def test_all_that_a_provider_reads_is_held(route: str, data: dict[str, Any]) -> None:
    assert 1000 <= estimate(route, data).prompt < 1100


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "x" * 4000}},
        {"type": "image_url", "image_url": {"url": "https://pictures.example/a.png", "detail": "high"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "x" * 4000}},
        {"type": "input_image", "image_url": "https://pictures.example/a.png"},
    ],
)
def test_a_picture_is_held_as_a_picture(part: dict[str, Any]) -> None:
    assert PICTURE <= of_chat([part]).prompt < PICTURE + 50


def test_a_long_document_is_held_by_its_length() -> None:
    part = {"type": "file", "file": {"file_data": "x" * 4_000_000}}
    assert of_chat([part]).prompt >= 100_000


def test_what_has_no_answer_in_tokens_is_held_in_its_own_units() -> None:
    assert estimate("embeddings", {"input": "x" * 40}) == Estimate(prompt=10)
    assert estimate("images", {"prompt": "x" * 40, "n": 3}) == Estimate(10, 3 * IMAGE, images=3)
    assert estimate("speech", {"input": "x" * 150}).characters == 150
    assert estimate("speech", {"input": "x" * 150}).seconds == 10
    assert estimate("transcriptions", {}, size=400_000).seconds == 100
    assert estimate("rerank", {"query": "x", "documents": ["x"] * 250}).queries == 3
    assert estimate("moderations", {"input": "x" * 40}) == Estimate(prompt=10)


def test_many_numbers_are_counted_fast() -> None:
    numbers = list(range(2_000_000))
    began = time.thread_time()
    sum(numbers)
    plain = time.thread_time() - began
    began = time.thread_time()
    assert estimate("embeddings", {"input": numbers}).prompt == 2_000_000
    assert time.thread_time() - began < 20 * plain + 0.01


def test_money_is_held_at_the_dearest_deployments_prices() -> None:
    dear = {"input_cost_per_token": 3e-6, "output_cost_per_token": 4e-6}
    assert dearest([PRICED, dear], Estimate(10, 20)) == pytest.approx(110e-6)
    assert dearest([{"output_cost_per_image": 0.04}], Estimate(10, 6240, images=2)) == pytest.approx(0.08)
    assert dearest([{"output_cost_per_image_token": 4e-5}], Estimate(10, 6240, images=1)) == pytest.approx(0.2496)
    assert dearest([{"input_cost_per_character": 1.5e-5}], Estimate(characters=1000)) == pytest.approx(0.015)
    assert dearest([{"input_cost_per_second": 1e-4, "output_cost_per_second": 1e-4}], Estimate(seconds=60)) == 0.006
    assert dearest([{"input_cost_per_query": 0.002}], Estimate(queries=2)) == 0.004
    assert dearest([], Estimate(10, 20)) == dearest([{"input_cost_per_token": None}], Estimate(10, 20)) == 0


CHAT = Asked("m", "chat", {"messages": [{"content": "x" * 400}], "max_tokens": 500})


@pytest.mark.parametrize("tokens", [0, None, -2_000_000, 2_000_000_000_000_000, 12.5, "12", True, float("nan")])
@pytest.mark.parametrize("route", ["chat", "completions", "responses", "messages", "embeddings"])
def test_an_answer_without_a_true_usage_counts_as_what_was_held(route: str, tokens: Any) -> None:
    asked = Asked("m", route, {"input": "x" * 400, "max_tokens": 500})
    wanted = asked.estimate()
    spent = used(asked, {"total_tokens": tokens, "response_cost": -4.0}, lambda model: [PRICED])
    assert spent == Used(wanted.tokens, microdollars(dearest([PRICED], wanted)), doubtful=True)
    assert spent.tokens > 0 < spent.microdollars


def test_a_true_usage_is_believed() -> None:
    assert used(CHAT, {"total_tokens": 123, "response_cost": 0.5}, lambda model: []) == Used(123, 500_000)


def test_an_answer_from_the_cache_costs_nothing() -> None:
    assert used(CHAT, {"cache_hit": True, "total_tokens": 0}, lambda model: []) == Used()


@pytest.mark.parametrize("route", ["speech", "rerank", "images", "transcriptions", "moderations"])
def test_what_is_not_billed_in_tokens_may_have_none(route: str) -> None:
    asked = Asked("m", route, {"input": "x"})
    assert used(asked, {"total_tokens": 0, "response_cost": 0.1}, lambda model: []) == Used(0, 100_000)


def test_money_is_counted_in_whole_microdollars_rounded_up() -> None:
    assert [microdollars(dollars) for dollars in (0.0005, 1.1e-5, 0.3e-6, 0, None, "1", float("inf"))] == [
        *(500, 11, 1, 0, 0, 0),
        10**15,
    ]
    assert microdollars(10**400) == 10**15
    assert [in_dollars(amount) for amount in (0, 1, 120_000, 10_000_000, 5_560_000)] == [
        "0",
        "0.000001",
        "0.12",
        "10",
        "5.56",
    ]
