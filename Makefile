# What people type. `make run` and `make test` set everything up by themselves; everything stays in this folder, but for
# cargo's and pip's caches.

CARGO ?= cargo
PREFIX ?= /usr/local
LOG := target/test.log

.PHONY: all setup build test check clean

all: build

# The pinned solver, in .z3/.
setup:
	@sh scripts/setup.sh

build: setup
	$(CARGO) build --release --locked

# Formatting, lints, every test. A test that cannot run where it is prints a line that starts with NOT RUN, and why.
test: check
	@mkdir -p target
	@sh scripts/test.sh "$(LOG)"

# Only looks: formatting and lints.
check: setup
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

clean:
	$(CARGO) clean
	rm -rf .z3 .z3.new
