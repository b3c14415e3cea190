# A thin front: each target is a script of tools/ or a preset of CMakePresets.json.
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 300

.PHONY: run test test-real build dev asan tsan coverage fuzz tidy bench soak format docs check-layers install clean

run:
	tools/run

test:
	tools/test

# What is too heavy for every day: real servers and real agents (test/real says what each needs).
test-real:
	tools/test-real

build:
	tools/setup build
	tools/build release llm-gateway

# The whole in its daily-work build: quick to compile again, with unit tests.
dev:
	tools/setup test
	tools/build dev

asan tsan:
	tools/test --preset $@

coverage:
	tools/coverage

# Each target for FUZZ_SECONDS; FUZZ=json chooses by name.
fuzz:
	FUZZ_SECONDS=$(FUZZ_SECONDS) tools/fuzz $(FUZZ)

tidy:
	tools/tidy

bench:
	tools/bench

soak:
	tools/bench soak

format:
	tools/format

docs:
	tools/gen-docs

check-layers:
	tools/check-layers

install: build
	DESTDIR="$(DESTDIR)" cmake --install build/release --strip --prefix "$(PREFIX)"

clean:
	rm -rf build
