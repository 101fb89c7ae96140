# make demo     install, compress samples/ into out/, sweep the quality, draw out/rd.png; encode, decode and compare a clip
# make test     install, run the tests
# make test-interop  compare the quantizers with ONNX Runtime, torch, TensorFlow Lite, FFmpeg and Octave, in an environment of its own
# make explore  run the property tests at random, EXPLORE times as many examples, from a printed SEED
# make debug    run the tests on a build with asserts, bounds checks, ASan and UBSan
# make tsan     run the tests of threads on a build with ThreadSanitizer
# make fuzz     coverage-guided fuzzing of a decoder, FUZZ_TARGET (jpeg or h264), FUZZ_SECONDS long
# make bench    compare with libjpeg-turbo and others
# make docs     build the documentation as a site, build/site
# make man      write the man pages, build/man
# make wheel    build a wheel with its SBOM, install it in an environment of its own, and test it there
# make docs-figures   make every figure of README.md and docs/ again, or only the sections ONLY="lab speed"
PYTHON ?= python3
BIN := .venv/bin
SOURCES := setup.py pyproject.toml $(shell find codec -name '*.pyx' -o -name '*.pxd' -o -name '*.h') $(shell find codec/simd -name '*.c')
PHOTOS := $(addprefix samples/,astronaut.png camera.png chelsea.png coffee.png rocket.jpg)

# Public test data. Tests that need it skip if it is absent.
CODEC_TEST_DATA ?= $(abspath ../shared/data)
export CODEC_TEST_DATA

# The debug build and its tests have their own folder: codec/ in the working directory would shadow the installed package.
DEBUG := build/debug
# Tests that reach compiled code. The others test Python only, or start child processes, which do not work under a preloaded sanitizer.
DEBUG_TESTS ?= tests/robustness tests/kernels tests/jpeg tests/h264 tests/palette tests/quantizers tests/metrics tests/conformance tests/interop tests/test_limits.py
# One test process per CPU. The result of a test does not depend on which process runs it.
PYTEST := $(BIN)/python -m pytest -n auto --dist worksteal
EXPLORE ?= 10
SEED := $(or $(SEED),$(shell date +%s))
FUZZ_SECONDS ?= 60
FUZZ_TARGET ?= jpeg
# pymalloc and NumPy's small-block cache would hide out-of-bounds accesses. Leak detection is off: it reports the interpreter's leaks.
SANITIZED = CODEC_DEBUG=1 CODEC_TEST_DATA=$(CODEC_TEST_DATA) PYTHONMALLOC=malloc PYTHONPATH=site PYTHONDONTWRITEBYTECODE=1 \
	LD_PRELOAD="$(1) $$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" \
	ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0:malloc_context_size=8:allocator_may_return_null=1:detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

.PHONY: demo test test-interop explore bench docs man wheel docs-figures debug tsan fuzz clean

demo: .venv/demo.stamp
	$(BIN)/codec compress samples -o out --overwrite
	$(BIN)/codec rd sweep $(PHOTOS) --quality 10:95:5 --subsampling 4:2:0,4:4:4 -o out/rows.jsonl --plot out/rd.png
	$(BIN)/codec rd report out/rows.jsonl -o out/report.html
	@echo "Compressed pictures: out/   rows: out/rows.jsonl   curves: out/rd.png   report: out/report.html"
	$(BIN)/python samples/clip.py out/clip.y4m
	$(BIN)/codec video encode out/clip.y4m -o out/clip.h264 --crf 26 --psnr --ssim --overwrite
	$(BIN)/codec video decode out/clip.h264 -o out/decoded.y4m --overwrite
	$(BIN)/codec metrics out/clip.y4m out/decoded.y4m
	$(BIN)/codec video inspect out/clip.h264 --overlay out/modes.png --frame 18 --overwrite
	$(BIN)/codec rd sweep out/clip.y4m --codec h264 --crf 20:38:6 -o out/clips.jsonl --plot out/clips.png
	@echo "A clip: out/clip.y4m   encoded: out/clip.h264   how its macroblocks are coded: out/modes.png   curves: out/clips.png"

test: .venv/test.stamp
	$(PYTEST)

# The libraries are large (torch) and pull in others, so they stay out of .venv. What has no wheel here is left out; its rows skip.
# Octave with the package communications comes from the system.
INTEROP := build/interop/bin/python
test-interop: build/interop/stamp
	PYTHONPATH=$(CURDIR) $(INTEROP) -m pytest -p no:cacheprovider tests/interop/test_quantizers_peers.py tests/quantizers/test_networks.py tests/quantizers/test_digits.py
	PYTHONPATH=$(CURDIR) $(INTEROP) -W ignore benchmarks/quantizer_equality.py

build/interop/stamp: .venv/test.stamp pyproject.toml
	$(PYTHON) -m venv build/interop
	$(INTEROP) -m pip install --quiet --upgrade pip
	$(INTEROP) -m pip install --quiet numpy pytest hypothesis pillow
	$(BIN)/python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']['interop'], sep='\n')" | \
		while read package; do $(INTEROP) -m pip install --quiet "$$package" || echo "$$package is left out: its comparisons will skip"; done
	@touch $@

explore: .venv/test.stamp
	@echo "make explore EXPLORE=$(EXPLORE) SEED=$(SEED)"
	EXPLORE=$(EXPLORE) $(PYTEST) -m hypothesis --hypothesis-seed=$(SEED)

bench: .venv/test.stamp
	$(BIN)/python benchmarks/jpeg_speed.py

docs: .venv/test.stamp
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	$(BIN)/python -m mkdocs build

man: .venv/demo.stamp
	$(BIN)/python release/commands.py build/man

WHEEL_TESTS ?= tests/test_api.py tests/jpeg tests/cli tests/compat
wheel: .venv/demo.stamp
	$(BIN)/python release/wheel.py build/wheel $(WHEEL_TESTS)

docs-figures: .venv/test.stamp
	$(BIN)/python -m pip install --quiet imagequant scikit-learn scikit-image
	$(BIN)/python benchmarks/docs_figures.py $(ONLY)

# Browsers do not start under the sanitizers.
debug: $(DEBUG)/stamp
	cp -r tests samples benchmarks docs *.md $(DEBUG)
	cd $(DEBUG) && $(call SANITIZED,) CODEC_ROBUSTNESS=$(or $(CODEC_ROBUSTNESS),quick) $(CURDIR)/$(PYTEST) -p no:cacheprovider --ignore-glob='*browser*' $(DEBUG_TESTS)

# Python itself is not instrumented: only accesses of our extensions are seen. Left out: forks and traced lines, which are slow here.
tsan: build/tsan/stamp
	cp -r tests samples build/tsan
	cd build/tsan && CODEC_TEST_DATA=$(CODEC_TEST_DATA) PYTHONMALLOC=malloc PYTHONPATH=site PYTHONDONTWRITEBYTECODE=1 TSAN_OPTIONS=halt_on_error=1:report_signal_unsafe=0:suppressions=tests/tsan.supp \
	LD_PRELOAD="$$(gcc -print-file-name=libtsan.so)" setarch -R $(CURDIR)/$(BIN)/python -m pytest -p no:cacheprovider -o addopts=--import-mode=importlib \
	tests/test_team.py tests/h264/test_threads.py tests/h264/test_interruptions.py tests/h264/encode/test_encoder_threads.py tests/h264/encode/test_team.py tests/jpeg/test_threads.py -k "not every_line and not child and not pool and not signal"

fuzz: build/fuzz/stamp
	cp -r tests build/fuzz
	cd build/fuzz && $(call SANITIZED,$(CURDIR)/build/fuzz/interpose.so) $(CURDIR)/$(BIN)/python tests/fuzz/fuzz_$(FUZZ_TARGET).py --seconds $(FUZZ_SECONDS)

clean:
	rm -rf .venv build out *.egg-info .pytest_cache .hypothesis
	find codec -name '*.so' -delete

.venv/bin/python:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip

# The install is editable: extensions are built in place, Python files need no build. All targets share the compiled files (setup.py).
.venv/demo.stamp: .venv/bin/python $(SOURCES)
	$(BIN)/python -m pip install --quiet --editable '.[lab]'
	@touch $@

.venv/test.stamp: .venv/bin/python $(SOURCES)
	@$(BIN)/python -m pip install --quiet --editable '.[lab,test,browser,peers,video,png]' || { \
		echo "a browser driver or a peer has no wheel here: their tests will skip"; \
		$(BIN)/python -m pip install --quiet --editable '.[lab,test]'; }
	@touch $@ .venv/demo.stamp

# Install a debug or fuzz build (setup.py) in the folder of the tests that run on it.
define SANITIZED_BUILD
	rm -rf $(@D)/site
	CODEC_DEBUG=1 $(1) $(BIN)/python -m pip install --quiet --no-deps --target $(@D)/site .
	cp pyproject.toml $(@D)
	@touch $@
endef

PYTHON_SOURCES := $(shell find codec -name '*.py')

$(DEBUG)/stamp: .venv/test.stamp $(SOURCES) $(PYTHON_SOURCES)
	$(call SANITIZED_BUILD,)
	cd codec && cp --parents $$(find h264 -name '*.pyx' -o -name '*.pxd' -o -name '*.h') $(CURDIR)/$(@D)/site/codec

build/tsan/stamp: .venv/test.stamp $(SOURCES) $(PYTHON_SOURCES)
	rm -rf $(@D)/site
	CODEC_TSAN=1 $(BIN)/python -m pip install --quiet --no-deps --target $(@D)/site .
	cp pyproject.toml $(@D)
	@touch $@

build/fuzz/stamp: .venv/test.stamp $(SOURCES) $(PYTHON_SOURCES) tests/fuzz/coverage.c tests/fuzz/interpose.c
	$(BIN)/python -m pip install --quiet 'atheris>=2.3'
	mkdir -p $(@D)
	gcc -shared -fPIC -O1 tests/fuzz/interpose.c -o $(@D)/interpose.so -ldl
	$(call SANITIZED_BUILD,CODEC_FUZZ=1)
