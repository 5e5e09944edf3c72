# make course: install, then run the seven notebooks on the embedded sample.
# make test:   install, then run every test.
# make lint:   install, then check the code's style and its formatting.
PYTHON ?= python3.11
VENV := .venv
INSTALLED := $(VENV)/.installed

.PHONY: course test lint notebooks lab clean

course: $(INSTALLED)
	$(VENV)/bin/truthpixel course --profile sample

test: $(INSTALLED)
	$(VENV)/bin/python -m pytest --numprocesses 2

lint: $(INSTALLED)
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check

# Run the notebooks anew and keep what they print: the committed copies, and the README's picture, are these.
notebooks: $(INSTALLED)
	rm -rf .fresh
	TRUTHPIXEL_HOME=$(CURDIR)/.fresh $(VENV)/bin/jupyter nbconvert --to notebook --execute --inplace \
		--ExecutePreprocessor.record_timing=False notebooks/*.ipynb notebooks/solutions/*.ipynb
	cp .fresh/outputs/gradcam/contact_sheet.png notebooks/opening.png
	rm -rf .fresh

lab: $(INSTALLED)
	$(VENV)/bin/jupyter lab notebooks

$(INSTALLED): pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --constraint requirements.lock --editable ".[test]"
	touch $@

clean:
	rm -rf $(VENV) outputs
