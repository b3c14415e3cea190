"""The official `openai` package for Node.js: node/scenarios.mjs runs the scenarios, each a test here."""
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.provider import MODELS, openai_like

FOLDER = Path(__file__).parent / "node"
SCRIPT = FOLDER / "scenarios.mjs"
NAMES = re.findall(r'^  async "([^"]+)"\(\) \{$', SCRIPT.read_text(), re.M)
SCRIPTED = [n for n in NAMES if not n.startswith("llama.cpp")]
LLAMA = [n for n in NAMES if n.startswith("llama.cpp")]
KEY = "sk-gw-" + "k" * 40
NARROW = "sk-gw-" + "n" * 40


def run_node(*args, **env):
    node = shutil.which("node")
    assert node, "Node.js is not installed"
    assert (FOLDER / "node_modules" / "openai").exists(), f"run `npm ci` in {FOLDER}"
    done = subprocess.run([node, str(SCRIPT), *args], capture_output=True, text=True, timeout=100,
                          env={"PATH": os.environ["PATH"], **env})
    assert done.returncode == 0, done.stderr
    return {line["name"]: line["problem"] for line in map(json.loads, done.stdout.splitlines())}


@pytest.fixture(scope="module")
def results(shared_gateway, shared_upstream):
    shared_upstream.answer(openai_like)
    gw = shared_gateway({
        "providers": {"up": shared_upstream.provider(),
                      "other": shared_upstream.provider(models=["other-model"])},
        "models": {name: f"up/{name}" for name in MODELS},
        "keys": {"app": {"key": KEY}, "narrow": {"key": NARROW, "models": ["text"]}},
    })
    return run_node(BASE_URL=gw.base_url, KEY=KEY, NARROW_KEY=NARROW)


@pytest.mark.parametrize("name", SCRIPTED)
def test_node(results, calls, name):
    assert results[name] is None, results[name]
    calls(f"node: {name}")


@pytest.fixture(scope="module")
def llama_results(shared_gateway, llama):
    gw = shared_gateway({
        "providers": {"local": {"type": "openai-compatible", "base_url": llama.url}},
        "models": {"small": "local/smollm2"},
    })
    return run_node("--llama", BASE_URL=gw.base_url, KEY="none")


@pytest.mark.parametrize("name", LLAMA)
def test_node_llama(llama_results, calls, name):
    assert llama_results[name] is None, llama_results[name]
    calls(f"node: {name}")
