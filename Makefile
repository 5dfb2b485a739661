# What people type. `make run` and `make test` set everything up by themselves; everything stays in this folder, but for
# cargo's and pip's caches.

CARGO ?= cargo
PREFIX ?= /usr/local
LOG := target/test.log
RELEASE := target/release

.PHONY: all setup build run test test-long chaos chaos-many fuzz check bench install uninstall clean

all: build

# What is fetched: the pinned solver, in .z3/; for tests of alerts and dashboards, Prometheus in .prometheus/ and Grafana's
# types in .grafana/; for the test of generated obligations, Solidity's compiler in .solc/; schemas of reports in .schemas/.
setup:
	@sh scripts/setup.sh

# The two programs alone: the simulator is built where it is run.
build:
	@sh scripts/setup.sh solver
	$(CARGO) build --release --locked -p proof-of-proof --bins

# Four validators check the example proofs in data/proofs until each has ended; a report at the end, nothing left running.
run: build
	@$(RELEASE)/pop deploy-testnet --nodes 4 --duration 0.1 --until-done --proofs data/proofs --output data/testnet_report.json

# Formatting, lints, every test. A test that cannot run where it is prints a line that starts with NOT RUN, and why.
test: check
	@mkdir -p target
	@sh scripts/test.sh "$(LOG)"

# What takes longer than a coffee: property tests and other random ones from a new seed, a log of 100 MB, a hundred times as many seeds of the
# simulated network, 2,000 with each bad validator, five minutes of overload, the testnet of a hundred for an hour and with faults, ten minutes in which no alert fires, alerts by
# their real durations, and ten minutes of chaos among four and among 32. In `make test` all seeds are fixed (those of property tests in
# .cargo/config.toml). Here each command is printed with its seed; `make test-long NEW_SEED=…` repeats one.
NEW_SEED := $(shell date +%s)
test-long: setup
	PROPTEST_RNG_SEED=$(NEW_SEED) PROPTEST_CASES=20000 POP_SEED=$(NEW_SEED) $(CARGO) test --release --locked -p protocol -p smtlib -p verifier
	PROPTEST_RNG_SEED=$(NEW_SEED) PROPTEST_CASES=1000 POP_SEED=$(NEW_SEED) $(CARGO) test --release --locked -p actors
	$(CARGO) test --release --locked -p smtlib --test log_growth -- --ignored --nocapture
	$(CARGO) run --release --locked -p simulator -- --seeds 0..200000
	$(CARGO) run --release --locked -p simulator -- --bad all --seeds 0..2000
	$(CARGO) run --release --locked -p simulator -- --bad all --faults --seeds 0..2000
	$(CARGO) run --release --locked -p simulator -- --clock all --seeds 0..2000
	POP_OVERLOAD_SECONDS=300 $(CARGO) test --release --locked --test overload -- --nocapture
	$(CARGO) test --release --locked --test testnet_of_many -- --ignored --nocapture --test-threads 1
	$(CARGO) test --release --locked --test observability -- --ignored --nocapture a_steady_network alerts_fire
	$(MAKE) chaos
	$(MAKE) chaos-many

# Ten minutes of faults on four validators under load, after a minute without for comparison; then what held. `make test`
# does a minute of it. Backtraces of thousands of panics would be measured in their place.
SEED ?= 1
chaos: build
	@RUST_BACKTRACE=0 $(RELEASE)/pop chaos --seed $(SEED) --duration 0.1834 --quiet 60 --baseline 60

# The same among 32, which take turns in much of what they send.
chaos-many: build
	@RUST_BACKTRACE=0 $(RELEASE)/pop chaos --nodes 32 --seed $(SEED) --duration 10m --quiet 120

# An hour of damaged and random scripts for the normaliser, from a new seed. `make test` runs half a minute of it.
MINUTES ?= 60
fuzz: setup
	$(CARGO) run --release --locked -p smtlib --example fuzz -- --minutes $(MINUTES)

# Only looks: formatting and lints.
check: setup
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

# Every figure of docs/PERFORMANCE.md, on this machine as it is now.
bench: setup
	$(CARGO) bench --locked

# Where shells and man look, below PREFIX.
BASH = $(PREFIX)/share/bash-completion/completions
ZSH = $(PREFIX)/share/zsh/site-functions
FISH = $(PREFIX)/share/fish/vendor_completions.d
MAN = $(PREFIX)/share/man/man1

# Both programs and the solver's library, under PREFIX; completions for shells and manual pages, which the program makes.
install: build
	install -d "$(DESTDIR)$(PREFIX)/bin" "$(DESTDIR)$(PREFIX)/lib/proof-of-proof"
	install -m 755 $(RELEASE)/pop $(RELEASE)/pop-verifier "$(DESTDIR)$(PREFIX)/bin/"
	cp -RP .z3/lib/. "$(DESTDIR)$(PREFIX)/lib/proof-of-proof/"
	install -d "$(DESTDIR)$(BASH)" "$(DESTDIR)$(ZSH)" "$(DESTDIR)$(FISH)"
	$(RELEASE)/pop completions bash > "$(DESTDIR)$(BASH)/pop"
	$(RELEASE)/pop completions zsh > "$(DESTDIR)$(ZSH)/_pop"
	$(RELEASE)/pop completions fish > "$(DESTDIR)$(FISH)/pop.fish"
	$(RELEASE)/pop man-pages --out "$(DESTDIR)$(MAN)"

uninstall:
	rm -f "$(DESTDIR)$(PREFIX)/bin/pop" "$(DESTDIR)$(PREFIX)/bin/pop-verifier"
	rm -f "$(DESTDIR)$(BASH)/pop" "$(DESTDIR)$(ZSH)/_pop" "$(DESTDIR)$(FISH)/pop.fish" "$(DESTDIR)$(MAN)"/pop.1 "$(DESTDIR)$(MAN)"/pop-*.1
	rm -rf "$(DESTDIR)$(PREFIX)/lib/proof-of-proof"

# What was built and fetched, and the example network's data; your own genesis, keys and validators' data stay.
clean:
	$(CARGO) clean
	rm -rf .z3 .z3.new .prometheus .prometheus.new .grafana .grafana.new .solc .solc.new .schemas .schemas.new data/testnet data/testnet_report.json data/chaos data/chaos_report.json
