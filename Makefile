# make demo   set up, compress samples/ into out/, sweep the quality, draw out/rd.png
# make test   set up, run the tests
# make debug  the tests on a build with asserts, bounds checks, ASan and UBSan
# make fuzz   coverage-guided fuzzing of the decoder, FUZZ_SECONDS long
# make bench  this project beside libjpeg-turbo and others
PYTHON ?= python3
BIN := .venv/bin
SOURCES := setup.py pyproject.toml $(wildcard codec/*.pyx codec/*.pxd codec/*/*.pyx codec/*/*.pxd codec/simd/*)
PHOTOS := $(addprefix samples/,astronaut.png camera.png chelsea.png coffee.png rocket.jpg)

.PHONY: demo test bench clean

demo: .venv/demo.stamp
	$(BIN)/codec compress samples -o out --overwrite
	$(BIN)/codec rd sweep $(PHOTOS) --quality 10:95:5 --subsampling 4:2:0,4:4:4 -o out/rows.jsonl --plot out/rd.png
	@echo "Compressed pictures: out/   rows: out/rows.jsonl   curves: out/rd.png"

test: .venv/test.stamp
	$(BIN)/python -m pytest

bench: .venv/test.stamp
	$(BIN)/python benchmarks/jpeg_speed.py

clean:
	rm -rf .venv build out *.egg-info .pytest_cache .hypothesis
	find codec -name '*.so' -delete

.venv/bin/python:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip

# The install is editable: the extensions are built in place, and Python files run as they are.
.venv/demo.stamp: .venv/bin/python $(SOURCES)
	$(BIN)/python -m pip install --quiet --editable '.[lab]'
	@touch $@

.venv/test.stamp: .venv/bin/python $(SOURCES)
	$(BIN)/python -m pip install --quiet --editable '.[lab,test]'
	@touch $@ .venv/demo.stamp
