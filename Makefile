# make course: install, then run the seven notebooks on the embedded sample.
# make test:   install, then run every test.
# make lint:   install, then check the code's style and its formatting.
# make book:   install, then render the book into docs/_build/html, from the notebooks' committed outputs.
# make repository TO=OWNER/NAME: say where this copy is hosted, for Colab's badges and the book's links.
PYTHON ?= python3.11
VENV := .venv
INSTALLED := $(VENV)/.installed
TRITON := $(VENV)/triton/.installed

.PHONY: course test lint notebooks book repository lab clean

course: $(INSTALLED)
	$(VENV)/bin/truthpixel course --profile sample

test: $(INSTALLED) $(TRITON)
	$(VENV)/bin/python -m pytest --numprocesses 2

lint: $(INSTALLED)
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check

# Run the notebooks anew and keep what they print: the committed copies, the README's figures and its picture are these.
notebooks: $(INSTALLED)
	rm -rf .fresh
	TRUTHPIXEL_HOME=$(CURDIR)/.fresh $(VENV)/bin/jupyter nbconvert --to notebook --execute --inplace \
		--ExecutePreprocessor.record_timing=False notebooks/*.ipynb notebooks/solutions/*.ipynb
	cp .fresh/outputs/metrics.json docs/measured/sample.json
	rm -rf .fresh
	$(VENV)/bin/python docs/measured.py
	$(VENV)/bin/python docs/make_picture.py

book: $(INSTALLED)
	$(VENV)/bin/python -m sphinx --fail-on-warning --keep-going --quiet -b html -c docs . docs/_build/html
	@echo "The book is docs/_build/html/index.html"

repository:
	$(PYTHON) docs/set_repository.py $(TO)

lab: $(INSTALLED)
	$(VENV)/bin/jupyter lab notebooks

$(INSTALLED): pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --constraint requirements.lock --editable ".[test]"
	touch $@

# A model server that one test starts (docs/serve.md). Only its binary is used, hence apart and without what its package asks for.
$(TRITON): $(INSTALLED)
	$(VENV)/bin/python -m pip install --quiet --no-deps --upgrade --target $(@D) nvidia-pytriton==0.7.0 \
		|| echo "No Triton for this machine: its test is skipped."
	mkdir -p $(@D)
	touch $@

clean:
	rm -rf $(VENV) outputs docs/_build
