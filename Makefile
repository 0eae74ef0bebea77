# The outside of the project: install, run, test, check. Everything comes from the lock files; nothing else is fetched.
PYTHON ?= python3
BIN := .venv/bin
# Where this is set, Python keeps no compiled modules. The tests start Python a thousand times.
unexport PYTHONDONTWRITEBYTECODE
STAMP := .venv/installed
DEV_STAMP := .venv/installed-dev

.PHONY: client install run test test-quick chart docs check format lint types imports openapi pictures recorded lock packages journeys-full firefox bench bench-quick bench-large bench-lateness bench-neighbours bench-old-transaction bench-operations faults schedules-full alerts-full agreement-full upgrade

install: $(STAMP)

$(STAMP): requirements.lock setup.cfg clients/python/pyproject.toml
	@echo "Installing into .venv (about a minute)"
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . -e clients/python
	touch $(STAMP)

$(DEV_STAMP): $(STAMP) requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $(DEV_STAMP)

run: install
	exec $(BIN)/booper serve

# Whatever starts the product as processes is in these.
JOURNEYS := tests/journeys tests/faults tests/upgrade tests/browser tests/deploy

test: test-quick
	$(BIN)/python -m pytest $(JOURNEYS) -n 4 --dist loadfile --no-loadscope-reorder -m "journey and not alone"
	$(BIN)/python -m pytest $(JOURNEYS) -m alone

# Many tests wait for processes and sockets, so more run at once than a small machine has cores. Each of the three would
# read the folders that hold journeys alone, and what those import.
test-quick: $(DEV_STAMP)
	$(BIN)/python -m pytest $(addprefix --ignore=,$(filter-out tests/deploy,$(JOURNEYS))) -n 3 --dist worksteal -m "not journey"

format: $(DEV_STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(DEV_STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(DEV_STAMP)
	$(BIN)/mypy

imports: $(DEV_STAMP)
	$(BIN)/lint-imports

# After a change of the client of coroutines: writes the one that waits.
client: $(DEV_STAMP)
	$(BIN)/python clients/python/write_sync.py
	$(BIN)/ruff format clients

# After a change of the API that is meant: writes what its test compares.
openapi: $(DEV_STAMP)
	$(BIN)/python -m tests.support.frozen_openapi

# The pictures of the README and the documents, from a server that it fills itself.
pictures: $(DEV_STAMP)
	$(BIN)/python -m tests.support.pictures

# After a change that is meant: writes what the recorded outputs of tests/**/recorded/ are compared with.
recorded: $(DEV_STAMP)
	BOOPER_TEST_RECORD=1 $(BIN)/python -m pytest $$(find tests -name "test_recorded_*.py") -k "not postgresql"

check: lint types imports test

bench: $(DEV_STAMP)
	$(BIN)/python -m bench

bench-quick: $(DEV_STAMP)
	$(BIN)/python -m bench --quick

journeys-full: $(DEV_STAMP)
	BOOPER_TEST_JOURNEY_SCALE=full $(BIN)/python -m pytest tests/journeys --durations=20 -rA

# The journeys of the dashboard in Debian's firefox-esr. One at a time: it takes its time beside others.
firefox: $(DEV_STAMP)
	BOOPER_TEST_FIREFOX=$${BOOPER_TEST_FIREFOX:-$$(command -v firefox-esr)} $(BIN)/python -m pytest tests/browser -k firefox

bench-lateness: $(DEV_STAMP)
	$(BIN)/python -m bench.lateness

bench-neighbours: $(DEV_STAMP)
	$(BIN)/python -m bench.neighbours

bench-operations: $(DEV_STAMP)
	$(BIN)/python -m bench.operations

bench-large: $(DEV_STAMP)
	$(BIN)/python -m bench.large

bench-old-transaction: $(DEV_STAMP)
	$(BIN)/python -m bench.old_transaction

# The last commit of version 0.1.0, which was never tagged. A release puts its own tag here.
LAST_RELEASE := e39b51accdd81b10e7cf6bd96d5fec65f2db041d
LAST := .venv-last/$(LAST_RELEASE)

# Installs the last release beside this tree and lets both run on one database and one RabbitMQ, while jobs flow.
upgrade: $(DEV_STAMP) $(LAST)/installed
	BOOPER_TEST_LAST_RELEASE=$(CURDIR)/$(LAST)/bin/booper $(BIN)/python -m pytest tests/upgrade

$(LAST)/installed:
	mkdir -p $(LAST)/source
	git archive $(LAST_RELEASE) | tar -x -C $(LAST)/source
	$(PYTHON) -m venv $(LAST)
	$(LAST)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $(LAST)/source/requirements.lock
	$(LAST)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation ./$(LAST)/source
	touch $(LAST)/installed

faults: $(DEV_STAMP)
	BOOPER_TEST_FAULTS=full $(BIN)/python -m pytest tests/faults

schedules-full: $(DEV_STAMP)
	BOOPER_TEST_SCHEDULES=full $(BIN)/python -m pytest tests/models/rules --durations=10

# Asks the API for fifty times as many requests of its own document as the tests do.
agreement-full: $(DEV_STAMP)
	BOOPER_TEST_AGREEMENT=full $(BIN)/python -m pytest tests/api/test_agreement.py

alerts-full: $(DEV_STAMP)
	BOOPER_TEST_ALERTS=full $(BIN)/python -m pytest tests/models/alerts -n 2 --dist worksteal --durations=10

# Renders the chart of Helm and holds it to the schemas of Kubernetes. Helm's library has 250 MB, so it is not in .venv.
chart: $(DEV_STAMP)
	test -x .venv-chart/bin/python || $(PYTHON) -m venv .venv-chart
	.venv-chart/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-chart.lock
	PYTHONPATH=$$(.venv-chart/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))") \
	  $(BIN)/python -m pytest tests/deploy/test_chart.py

# The pages of docs/ as a site that works without a network: open site/installing.html.
docs: $(DEV_STAMP)
	$(BIN)/python -m tests.support.reference_pages
	test -x .venv-docs/bin/python || $(PYTHON) -m venv .venv-docs
	.venv-docs/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-docs.lock
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --quiet

# The sdist and the wheel of the commit that is checked out, in dist/.
packages: $(DEV_STAMP)
	deploy/build-packages

lock:
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet pip-tools
	for extra in "--output-file=requirements.lock" "--extra=otel --output-file=requirements-otel.lock" \
	  "--extra=dev --output-file=requirements-dev.lock"; do \
	  CUSTOM_COMPILE_COMMAND="make lock" .venv-lock/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
	    --all-build-deps --no-emit-index-url --no-emit-find-links --no-emit-trusted-host $$extra setup.cfg || exit 1; \
	done
	for name in docs chart; do \
	  CUSTOM_COMPILE_COMMAND="make lock" .venv-lock/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
	    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file=requirements-$$name.lock \
	    requirements-$$name.in || exit 1; \
	done
	rm -rf .venv-lock
