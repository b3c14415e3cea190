"""OpenAI's official SDKs on the Responses API: against the mock alone (is it like the vendor?), through the
gateway to it (untouched), and through the gateway to providers of other formats. The SDK's typed models
judge every body and every event."""
import json
import os
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

import openai
import pydantic
import pytest
from openai.types import responses as types

from harness.gateway import BINARY, clean_environment, die_with_parent, free_port

KEY = "sk-gw-" + "r" * 40
TOOLS = [{"type": "function", "name": name, "description": f"Tells the {name}.", "strict": False,
          "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
         for name in ("get_weather", "get_time")]
CUSTOM = [{"type": "custom", "name": "shell", "description": "Runs a command."}]
EVENT = pydantic.TypeAdapter(types.ResponseStreamEvent)
FOREIGN = {"anthropic": "claude/claude-sonnet-4-5", "gemini": "google/gemini-2.5-flash",
           "ollama": "local/qwen3", "together": "together/deepseek-ai/DeepSeek-R1"}
THINKING = ["anthropic", "gemini"]


def strict(model):
    """The SDK builds its objects without looking; pydantic looks."""
    return type(model).model_validate(model.to_dict())


@pytest.fixture(scope="module")
def mock():
    port = free_port()
    process = subprocess.Popen([BINARY, "mock", "--listen", f"127.0.0.1:{port}"],
                               env=clean_environment(), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)
    url = f"http://127.0.0.1:{port}"
    for _ in range(100):
        try:
            urllib.request.urlopen(url + "/v1/models", timeout=1).read()
            break
        except OSError:
            time.sleep(0.05)
    yield url
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def gw(shared_gateway, mock):
    up = {"discover": False, "api_key": "sk-upstream"}
    return shared_gateway({
        "keys": {"app": {"key": KEY}, "other": {"key": KEY[:-1] + "o"}},
        "providers": {
            "openai": {"type": "openai", "base_url": mock + "/v1"} | up,
            "claude": {"type": "anthropic", "base_url": mock} | up,
            "google": {"type": "gemini", "base_url": mock} | up,
            "local": {"type": "ollama", "base_url": mock, "discover": False},
            "together": {"type": "together", "base_url": mock + "/v1"} | up,
        },
    })


# Where the SDK points, and the model it asks for there.
@pytest.fixture(params=["mock", "openai", *FOREIGN])
def place(request, mock, gw):
    url = mock if request.param == "mock" else gw.url
    model = {"mock": "gpt-4.1", "openai": "openai/gpt-4.1", **FOREIGN}[request.param]
    with openai.OpenAI(base_url=url + "/v1", api_key=KEY, max_retries=0) as client:
        client.place, client.model = request.param, model
        yield client


@pytest.fixture(params=FOREIGN)
def foreign(request, gw):
    with openai.OpenAI(base_url=gw.url + "/v1", api_key=KEY, max_retries=0) as client:
        client.place, client.model = request.param, FOREIGN[request.param]
        yield client


def events_of(client, **arguments):
    """All events, each valid, numbered without gaps, and consistent with each other."""
    events = []
    done, announced = [], {}
    for i, event in enumerate(client.responses.create(stream=True, model=client.model, **arguments)):
        EVENT.validate_python(event.to_dict())
        assert event.sequence_number == i
        events.append(event)
        if event.type == "response.output_item.added":
            assert event.output_index == len(announced)
            announced[event.item.id] = event.item.type
        elif event.type == "response.output_item.done":
            assert announced[event.item.id] == event.item.type
            done.append(event.item)
        elif hasattr(event, "item_id"):
            assert event.item_id in announced
    assert [e.type for e in events[:2]] == ["response.created", "response.in_progress"]
    last = events[-1].response
    assert [i.to_dict() for i in last.output] == [i.to_dict() for i in done]
    strict(last)
    return events


def test_a_text(place):
    answer = strict(place.responses.create(model=place.model, input="Say good morning",
                                           instructions="Be brief.", metadata={"a": "b"}))
    assert answer.output_text.startswith("The gateway relays")
    assert answer.status == "completed" and answer.id.startswith("resp_")
    assert answer.instructions == "Be brief." and answer.metadata == {"a": "b"}
    assert answer.usage.input_tokens > 0 and answer.usage.output_tokens > 0
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens


def test_a_streamed_text(place):
    events = events_of(place, input="Say good morning")
    text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    last = events[-1]
    assert last.type == "response.completed" and last.response.output_text == text
    assert last.response.usage.output_tokens > 0
    assert sum(e.type == "response.output_text.delta" for e in events) > 3


@pytest.mark.parametrize("stream", [False, True])
def test_two_calls_and_their_results(place, stream):
    model, place.model = place.model, place.model + ";tool=2"
    asked = dict(tools=TOOLS, store=False)
    turns = [{"role": "user", "content": "Weather and time in Oslo?"}]
    if stream:
        answer = events_of(place, input=turns, **asked)[-1].response
    else:
        answer = strict(place.responses.create(model=place.model, input=turns, **asked))
    calls = [i for i in answer.output if i.type == "function_call"]
    assert [c.name for c in calls] == ["get_weather", "get_time"]
    assert [json.loads(c.arguments) for c in calls] == [{"city": "Oslo"}, {"city": "Bergen"}]
    turns += [i.to_dict() for i in answer.output]
    turns += [{"type": "function_call_output", "call_id": c.call_id, "output": "fine"} for c in calls]
    place.model = model
    assert strict(place.responses.create(model=model, input=turns, **asked)).output_text


def test_a_custom_tool(place):
    if place.place == "ollama":
        pytest.skip("Ollama has no tools of free text")
    model = place.model + ";tool=1"
    answer = strict(place.responses.create(model=model, input="List files.", tools=CUSTOM))
    [call] = [i for i in answer.output if i.type == "custom_tool_call"]
    assert call.name == "shell" and "Oslo" in call.input
    turns = [{"role": "user", "content": "List files."}, call.to_dict(),
             {"type": "custom_tool_call_output", "call_id": call.call_id, "output": "a b"}]
    assert place.responses.create(model=model, input=turns, tools=CUSTOM).output_text


def test_a_namespace_of_tools(foreign):
    space = [{"type": "namespace", "name": "clock", "description": "Time.", "tools": [TOOLS[1]]}]
    answer = foreign.responses.create(model=foreign.model + ";tool=1", input="What time is it?",
                                      tools=space)
    [call] = [i for i in answer.output if i.type == "function_call"]
    assert call.name == "get_time" and call.to_dict()["namespace"] == "clock"
    turns = [{"role": "user", "content": "What time is it?"}, call.to_dict(),
             {"type": "function_call_output", "call_id": call.call_id, "output": "noon"}]
    assert foreign.responses.create(model=foreign.model, input=turns, tools=space).output_text


def test_parse(place):
    class Answer(pydantic.BaseModel):
        answer: str
        number: int

    answer = place.responses.parse(model=place.model, input="Answer.", text_format=Answer)
    assert answer.output_parsed == Answer(answer="mock", number=42)


def test_the_stream_helper(place):
    with place.responses.stream(model=place.model + ";tool=1", input="Weather?",
                                tools=TOOLS) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed"
    assert [i.name for i in final.output if i.type == "function_call"] == ["get_weather"]


def test_what_was_cut_is_incomplete(place):
    asked = dict(input="Say much", max_output_tokens=16)
    model, place.model = place.model, place.model + ";tokens=50"
    answer = place.responses.create(model=place.model, **asked)
    if place.place == "ollama" and answer.status == "completed":
        pytest.skip("this mock does not cut")
    assert answer.status == "incomplete"
    assert answer.incomplete_details.reason == "max_output_tokens"
    assert events_of(place, **asked)[-1].type == "response.incomplete"
    place.model = model


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("maker", ["openai", *THINKING])
def test_reasoning_goes_round(gw, maker, stream):
    client = openai.OpenAI(base_url=gw.url + "/v1", api_key=KEY, max_retries=0)
    client.model = {"openai": "openai/gpt-5.1", **FOREIGN}[maker] + ";tool=1"
    asked = dict(tools=TOOLS, store=False, reasoning={"effort": "medium", "summary": "auto"},
                 include=["reasoning.encrypted_content"])
    turns = [{"role": "user", "content": "Think, then look."}]
    if stream:
        answer = events_of(client, input=turns, **asked)[-1].response
    else:
        answer = strict(client.responses.create(model=client.model, input=turns, **asked))
    thoughts = [i for i in answer.output if i.type == "reasoning"]
    assert "".join(s.text for t in thoughts for s in t.summary) == "Let me think about this."
    assert thoughts[0].encrypted_content.startswith("gw1.") == (maker != "openai")
    # The mock refuses a signature that is not its own, unchanged.
    turns += [i.to_dict() for i in answer.output]
    turns += [{"type": "function_call_output", "call_id": i.call_id, "output": "fine"}
              for i in answer.output if i.type == "function_call"]
    assert client.responses.create(model=client.model, input=turns, **asked).output_text
    # Another maker gets the conversation without what it could not read.
    if maker == "openai":
        assert client.responses.create(model=FOREIGN["anthropic"], input=turns, **asked).output_text


# --- State


def test_a_conversation_on_the_gateway(foreign):
    first = foreign.responses.create(model=foreign.model, input="My name is Ada.")
    second = foreign.responses.create(model=foreign.model, input="What is my name?",
                                      previous_response_id=first.id)
    assert second.previous_response_id == first.id
    assert second.usage.input_tokens > first.usage.input_tokens  # the mock counts bytes
    kept = strict(foreign.responses.retrieve(second.id))
    assert kept.to_dict() == second.to_dict()
    items = foreign.responses.input_items.list(second.id, order="asc").data
    said = [i for i in items if i.type == "message"]  # and what a model that always thinks has thought
    assert [i.role for i in said] == ["user", "assistant", "user"]
    assert items[0].content[0].text == "My name is Ada."
    pages = foreign.responses.input_items.list(second.id, order="asc", limit=1)
    assert len(list(pages)) == len(items)
    foreign.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        foreign.responses.retrieve(first.id)
    assert foreign.responses.create(model=foreign.model, input="And now?",
                                    previous_response_id=second.id).output_text
    with pytest.raises(openai.BadRequestError):
        foreign.responses.cancel(second.id)


def test_a_streamed_conversation_with_a_tool(foreign):
    model, foreign.model = foreign.model, foreign.model + ";tool=1"
    answer = events_of(foreign, input="Weather in Oslo?", tools=TOOLS)[-1].response
    [call] = [i for i in answer.output if i.type == "function_call"]
    foreign.model = model
    done = foreign.responses.create(
        model=model, tools=TOOLS, previous_response_id=answer.id,
        input=[{"type": "function_call_output", "call_id": call.call_id, "output": "sun"}])
    assert done.output_text


def test_items_are_found_by_reference(foreign):
    first = foreign.responses.create(model=foreign.model, input="Hello")
    answer = foreign.responses.create(
        model=foreign.model,
        input=[{"role": "user", "content": "Hello"},
               {"type": "item_reference", "id": first.output[-1].id},
               {"role": "user", "content": "Go on"}])
    assert answer.output_text


def test_what_is_not_kept_is_not_found(foreign, gw):
    answer = foreign.responses.create(model=foreign.model, input="Hello", store=False)
    with pytest.raises(openai.BadRequestError) as e:
        foreign.responses.create(model=foreign.model, input="x", previous_response_id=answer.id)
    assert e.value.code == "previous_response_not_found"
    kept = foreign.responses.create(model=foreign.model, input="Hello")
    other = openai.OpenAI(base_url=gw.url + "/v1", api_key=KEY[:-1] + "o", max_retries=0)
    with pytest.raises(openai.NotFoundError):
        other.responses.retrieve(kept.id)


# --- Errors


@pytest.mark.parametrize("bad, param", [
    ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role"),
    ({"input": "x", "tools": [{"type": "function"}]}, "tools[0].name"),
    ({"input": "x", "conversation": "conv_1"}, "conversation"),
    ({"input": "x", "background": True}, "background"),
])
def test_faults_name_their_field(foreign, bad, param):
    with pytest.raises(openai.BadRequestError) as e:
        foreign.responses.create(model=foreign.model, **bad)
    assert e.value.param == param


def test_an_error_before_the_answer(foreign):
    with pytest.raises(openai.APIStatusError) as e:
        foreign.responses.create(model=foreign.model + ";fail=429", input="x")
    assert e.value.status_code == 429


@pytest.mark.parametrize("wish", ["cut-after=8;tokens=50", "error-after=8;tokens=50"])
def test_a_stream_that_breaks_is_raised(foreign, wish):
    seen = []
    with pytest.raises(openai.APIError) as e:
        for event in foreign.responses.create(model=f"{foreign.model};{wish}", input="x", stream=True):
            seen.append(event.type)
    assert "response.completed" not in seen
    assert not seen or "response.output_text.delta" in seen  # an error that comes at once is a status
    assert not isinstance(e.value, openai.APIConnectionError)  # it is told, not just broken off


# --- The package for Node.js, whose helper is the strictest reader of all


def test_node(gw):
    folder = Path(__file__).parent / "node"
    node = shutil.which("node")
    assert node and (folder / "node_modules" / "openai").exists(), f"run `npm ci` in {folder}"
    for name, model in {"openai": "openai/gpt-4.1", **FOREIGN}.items():
        done = subprocess.run([node, str(folder / "responses.mjs")], capture_output=True, text=True,
                              timeout=100, env={"PATH": os.environ["PATH"], "KEY": KEY,
                                                "BASE_URL": gw.url + "/v1", "MODEL": model})
        assert done.returncode == 0, f"{name}: {done.stderr}"
