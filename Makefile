# `make` alone says what there is. Every target sets up by itself what it needs.
.DEFAULT_GOAL := help
PY := .venv/bin/python
PYTEST := SEKRETAR_IGNORE_DOTENV=1 $(PY) -m pytest
# By several processes: tests/conftest.py says how many, and who gets which.
SHARED_OUT := -n auto --durations 15
MANAGE := $(PY) manage.py
# Checked strictly. Migrations are written by Django.
CODE := config core accounts llm files delivery reminders posts reports rest telegram_bot conversations sandbox scripts examples tests benchmarks

.PHONY: help setup setup-dev run web bot sandbox password test test-database lint lint-style lint-types lint-imports lint-django format \
	migrations messages schema bench screenshots ci clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: setup ## Start Sekretar; without BOT_TOKEN together with the sandbox (WEB_PORT, SANDBOX_PORT)
	@$(PY) -m scripts.run

setup: ## Make .venv and install what Sekretar runs on
	@python="$$(sh scripts/find-python)" && "$$python" -m scripts.bootstrap runtime

setup-dev: ## The same with what tests and checks need
	@python="$$(sh scripts/find-python)" && "$$python" -m scripts.bootstrap dev

web: setup ## Start the web side alone
	@$(PY) -m scripts.run web

bot: setup ## Start the bot alone
	@$(PY) -m scripts.run bot

sandbox: setup ## Start the sandbox alone
	@$(PY) -m scripts.run sandbox

password: setup ## Set the password of the operator's login
	@$(PY) -m scripts.run password

test: setup-dev ## Run all tests, by up to four processes (ARGS="-k name" for some of them)
	@$(PYTEST) $(if $(ARGS),$(ARGS),$(SHARED_OUT))

# The sandbox has no database (a contract of pyproject.toml), and its tests take long to import.
test-database: setup-dev ## Run the tests that use the database, on that of DATABASE_URL
	@$(PYTEST) $(SHARED_OUT) -m database --ignore tests/sandbox

lint: setup-dev ## Run all checks of the code
	@$(MAKE) --no-print-directory --keep-going lint-style lint-types lint-imports lint-django

lint-style: setup-dev
	@$(PY) -m ruff check . && $(PY) -m ruff format --check .

lint-types: setup-dev
	@$(PY) -m mypy --num-workers auto $(CODE)

lint-imports: setup-dev
	@$(PY) -c "from importlinter.cli import lint_imports_command as main; main()" --no-logo

lint-django: setup-dev
	@$(PY) -m scripts.check_django

format: setup-dev ## Format the code and mend what can be mended
	@$(PY) -m ruff check --fix --exit-zero . && $(PY) -m ruff format .

migrations: setup ## Write migrations for changed models
	@$(MANAGE) makemigrations --skip-checks

messages: setup ## Collect texts to translate and compile the translations (needs GNU gettext)
	@$(PY) -m scripts.messages

schema: setup ## Write the generated pages of docs/reference
	@$(PY) -m scripts.reference

bench: setup-dev ## Measure (see benchmarks/)
	@$(or $(BENCH_PYTHON),$(PY)) -m scripts.bootstrap bench && $(PY) -m benchmarks $(ARGS)

screenshots: setup-dev ## Take the pictures of the documentation
	@$(PY) -m scripts.screenshots

ci: ## What the build server runs
	@bash .ci/run

clean: ## Remove what can be made again (.venv, caches); data and .env stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis staticfiles test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
