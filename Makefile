# Every target does all the set-up that it needs on a machine with Python 3.11+ and make.
PYTHON ?= python3
PORT ?= 8000
SIGNATURES ?= 3000
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= auto

.DEFAULT_GOAL := help
.PHONY: help run dev check fix test postgresql coverage attack fuzz bench bench-document bench-large bench-mail faults mutation audit sbom requirements messages migration nightly nightly-repeats nightly-order nightly-postgresql screenshot axe lighthouse clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(VENV)/.run: requirements/run.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Tocsin needs Python 3.11 or newer; try make PYTHON=python3.12" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/run.txt
	@touch $@

$(VENV)/.test: requirements/test.txt $(VENV)/.run
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/test.txt
	@touch $@ $(VENV)/.run

run: $(VENV)/.run ## try it: embedded database, sample appeal, web and worker, mailbox page (PORT=8000)
	@TOCSIN_DEMO=1 TOCSIN_BASE_URL=http://127.0.0.1:$(PORT) exec $(BIN)/flask demo --port $(PORT)

dev: $(VENV)/.test ## develop: as run, with 3,000 signatures, and started again when the code changes (PORT=8000 SIGNATURES=3000)
	@TOCSIN_DEMO=1 TOCSIN_BASE_URL=http://127.0.0.1:$(PORT) exec $(BIN)/flask demo --port $(PORT) --signatures $(SIGNATURES) --reload

check: $(VENV)/.test ## run the quick checks and tests, on SQLite, in under a minute
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q -n $(JOBS) -m "not slow and not browser"

fix: $(VENV)/.test ## format the code, and correct what the linter can correct
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: $(VENV)/.test ## run all checks and tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	TOCSIN_GATE=1 $(BIN)/pytest -n $(JOBS)

# Debian keeps each version's programs in a folder of its own.
POSTGRESQL ?= $(lastword $(sort $(wildcard /usr/lib/postgresql/*/bin)))

postgresql: $(VENV)/.test ## run the tests of code that names a dialect on this machine's PostgreSQL (POSTGRESQL=folder of its programs)
	@test -x "$(POSTGRESQL)/postgres" || { echo "no PostgreSQL server is installed; install one, or give POSTGRESQL=/folder/of/its/programs" >&2; exit 1; }
	TESTS_POSTGRESQL=$(POSTGRESQL) $(BIN)/pytest -n $(JOBS) -m "postgresql and dialect"

nightly: $(VENV)/.test ## run what is too slow for `make test`, in under an hour, and print a table (PARTS="repeats fuzz" for some)
	$(BIN)/python -m tests.run_nightly $(PARTS)

nightly-repeats: $(VENV)/.test ## run the further forms of slow tests: more kills, rows, languages, servers
	TOCSIN_NIGHTLY=1 $(BIN)/pytest -n $(JOBS) -m "nightly or sized"

SEED ?= $(shell date +%s)

nightly-order: $(VENV)/.test ## run the quick tests in a random order of files and of tests (SEED=number repeats one)
	$(BIN)/pytest -q -n $(JOBS) --random-order-bucket=module --random-order-seed=$(SEED) -m "not slow and not browser"

nightly-postgresql: $(VENV)/.test ## run all tests that need PostgreSQL on this machine's server
	TESTS_POSTGRESQL=$(POSTGRESQL) $(BIN)/pytest -n $(JOBS) -m postgresql

coverage: $(VENV)/.test ## run all tests and list the lines that no test runs (takes longer than `make test`)
	$(BIN)/pytest -n $(JOBS) --cov --cov-report=term

fuzz: $(VENV)/.test ## send 50,000 random requests to the public forms, 50,000 damaged and generated documents to the reader
	TOCSIN_FUZZ=25000 $(BIN)/pytest -q -n 2 tests/signing/test_form_fuzz.py
	TOCSIN_FUZZ=long $(BIN)/pytest -q -n 2 tests/document/test_fuzz.py
	TOCSIN_FUZZ=long $(BIN)/pytest -q -n 0 tests/document/generator

bench: $(VENV)/.test ## run the benchmarks; each figure has a limit measured in the same run
	$(BIN)/python -m bench

bench-document: $(VENV)/.test ## run the benchmark of the document reader
	$(BIN)/python -m bench document

bench-large: $(VENV)/.test ## run the growth benchmark with ten million signatures
	TOCSIN_BENCH=large $(BIN)/python -m bench growth

bench-mail: $(VENV)/.test ## measure deliveries a second against a bare SMTP loop
	$(BIN)/python -m bench delivery

faults: $(VENV)/.test ## kill web and worker 200 times during 20,000 sign-ups on each database, restart PostgreSQL 20 times, ask 10,000 times for one mailbox, end 200 workers that stand still
	FAULTS_KILLS=200 FAULTS_RESTARTS=20 FAULTS_SIGN_UPS=20000 FAULTS_REQUESTS=10000 FAULTS_STANDSTILLS=200 $(BIN)/pytest -q -n 0 --durations=20 tests/faults

attack: $(VENV)/.test ## run the long forms of the security and fault tests, and print their figures
	TOCSIN_ATTACK=1 $(BIN)/pytest -q -n 0 tests/abuse tests/backup tests/deploy tests/moderation tests/offline tests/privacy tests/signing tests/staff tests/web tests/faults/database/test_restarts.py tests/faults/database/test_full_disk.py tests/faults/test_clock.py tests/faults/test_drain.py \
	  tests/faults/mail/test_mail_servers.py::test_however_often_one_mailbox_is_asked_for_it_gets_three_mails_at_most

# A changed line whose tests only took too long counts as not found: the machine may have been busy.
mutation: $(VENV)/.test ## change tokens, access rules and the outbox line by line; at least nine in ten changes must fail a test
	$(BIN)/mutmut run
	$(BIN)/mutmut export-cicd-stats
	@$(BIN)/python -c 'import json; s = json.load(open("mutants/mutmut-cicd-stats.json")); print("{killed} of {total} found, {timeout} took too long".format(**s)); raise SystemExit(s["killed"] < 0.9 * s["total"])'

$(VENV)/.sbom: requirements/sbom.txt $(VENV)/.run
	$(PYTHON) -m venv $(VENV)/sbom
	$(VENV)/sbom/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/sbom.txt
	@touch $@

sbom: $(VENV)/.sbom ## write the bill of materials of a running Tocsin, CycloneDX, to sbom.json
	$(VENV)/sbom/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --output-format JSON --output-file sbom.json requirements/run.txt

audit: $(VENV)/.test ## look for known vulnerabilities in the pinned packages (needs the network)
	$(BIN)/pip-audit --progress-spinner off --strict --disable-pip --require-hashes --requirement requirements/run.txt
	$(BIN)/pip-audit --progress-spinner off --strict --disable-pip --require-hashes --requirement requirements/test.txt

requirements: $(VENV)/.test ## pin the dependencies of pyproject.toml again
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml -o requirements/run.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra test pyproject.toml -o requirements/test.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --group sbom -o requirements/sbom.txt

messages: $(VENV)/.test ## add new messages to the catalogues; translate, then run it again to compile
	$(BIN)/pybabel -q extract -F campaign/translations/babel.cfg -k lazy_gettext --omit-header --no-location --sort-output -o $(VENV)/messages.pot .
	$(BIN)/pybabel -q update -N --omit-header --ignore-obsolete -i $(VENV)/messages.pot -d campaign/translations
	$(BIN)/pybabel -q compile -f -d campaign/translations

migration: $(VENV)/.test ## write the next migration from what changed in the models (NAME="add a reply address")
	@test -n "$(NAME)" || { echo 'say what it changes: make migration NAME="add a reply address"' >&2; exit 1; }
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && export TOCSIN_DEMO=1 TOCSIN_DATABASE_URL="sqlite:///$$folder/models.db" && \
	number=$$(printf %04d $$(($$(ls migrations/versions/*.py | wc -l) + 1))) && \
	$(BIN)/flask db upgrade >/dev/null && \
	$(BIN)/flask db revision --autogenerate --rev-id "$$number" --message "$(NAME)" && \
	$(BIN)/ruff format --quiet migrations/versions/$${number}_*.py && $(BIN)/ruff check --quiet --fix migrations/versions/$${number}_*.py && \
	echo "Read it through. By hand: CHECK constraints, triggers, row-level security, values of rows that are there."

screenshot: $(VENV)/.test ## take the README's picture of a demonstration that runs on PORT
	$(BIN)/python docs/screenshot.py http://127.0.0.1:$(PORT) docs/appeal.png

axe: $(VENV)/.test ## look for barriers on every page, public and of staff, in every language, width and scheme (needs Chromium)
	TOCSIN_AXE=all $(BIN)/pytest -q -n $(JOBS) tests/browser/test_accessible.py tests/browser/staff/test_staff_accessible.py

lighthouse: $(VENV)/.test ## let Lighthouse judge a demonstration that runs on PORT, performance too (needs Node and Chromium)
	$(BIN)/python docs/lighthouse.py http://127.0.0.1:$(PORT)

clean: ## remove what the other targets made, except instance/
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .coverage .coverage.* bench/results sbom.json
