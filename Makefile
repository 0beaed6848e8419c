# make lab         JupyterLab on the first notebook; the first call makes .venv and installs everything
# make test        the same set-up, then ruff and pytest, with the notebooks and the browser, without what is slow
# make test-slow   only what is slow
# make test-colab  every notebook with the package versions that Colab has (part of test-slow)
# make mutants    put each known mistake into a copy of the package and see a test catch it
# make lint        ruff alone
# make notebooks   execute every notebook in order and normalise it
# make links       write the links in every notebook anew, from [project.urls] in pyproject.toml, and the marks for nbgrader
# make handout     the notebooks without hints and solutions, in build/handout
# make offline-kit  everything for a room without network, in build/offline-kit
# make model       pre-train electra-mini-en anew, in some 2 1/2 hours of two cores:
#                  make model CORPUS='en_wiki.jsonl.xz en_books.jsonl.xz' BOOKS=en_books.jsonl.xz
# make lock        resolve requirements.lock anew (UPGRADE=1 moves to the newest versions)

PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11 python,\
  $(shell $(name) -c 'import sys; assert (3, 11) <= sys.version_info < (3, 14); print(sys.executable)' 2>/dev/null)))
BIN := .venv/bin
INSTALLED := .venv/installed
# JupyterLab refuses to serve as root (in a container, say) unless it is told to.
ROOT_FLAG := $(if $(filter 0,$(shell id -u)),--allow-root)
# A learner's first sight is the notebook, not the question whether Jupyter may fetch its news.
LAB_SETTINGS := .venv/share/jupyter/lab/settings
NO_NEWS := {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}

.PHONY: lab test test-slow test-colab mutants lint notebooks links handout offline-kit model lock clean

lab: $(INSTALLED)
	$(BIN)/jupyter lab $(ROOT_FLAG) --LabApp.default_url=/lab/tree/notebooks/00_welcome.ipynb

test: lint
	$(BIN)/pytest -m "not slow"

test-slow: $(INSTALLED)
	$(BIN)/pytest -m slow

test-colab: $(INSTALLED)
	$(BIN)/pytest -m slow tests/colab

mutants: $(INSTALLED)
	$(BIN)/python tests/mutants/run.py

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

notebooks: $(INSTALLED)
	$(BIN)/python -m tests.notebooks.execute

links: $(INSTALLED)
	$(BIN)/python -m tests.notebooks.execute --links

handout: $(INSTALLED)
	$(BIN)/electra course handout --out build/handout

offline-kit: $(INSTALLED)
	$(BIN)/python -m tests.kits.offline_kit build/offline-kit

# Five legs, each from the end of the one before; what was interrupted goes on. Short rows at one rate; longer rows of two segments while the
# rate falls, with wilder fakes. Then the same again, both nets with one word table, the short rows from BOOKS alone; a last stretch of BOOKS.
# The model is the mean of the two last ends, the fourth leg's counted twice.
CORPUS ?=
BOOKS ?= $(CORPUS)
STEPS ?= 1600 850 2200 1300 350
MODEL ?= build/electra-mini-en
# On several processes: make model PRETRAIN=".venv/bin/accelerate launch --config_file data/accelerate/… -m electra_helpers.cli pretrain"
PRETRAIN ?= $(BIN)/electra pretrain
text = $(foreach file,$(1),--corpus $(file))
# $(call leg,its number,its text,its settings)
leg = $(PRETRAIN) $(call text,$(2)) --size mini $(3) --steps $(word $(1),$(STEPS)) --eval-every 200 --save-every 200 --keep 20 \
  --out $(MODEL)/leg$(1) $(if $(wildcard $(MODEL)/leg$(1)/run.json),--resume)

model: $(INSTALLED)
	@test -n "$(CORPUS)" || { echo "Name the text to learn from: make model CORPUS='first.jsonl.xz second.jsonl.xz'"; exit 2; }
	$(call leg,1,$(CORPUS),--length 64 --batch-size 64 --schedule constant)
	$(call leg,2,$(CORPUS),--init-from $(MODEL)/leg1 --form segments --temperature 3 --warmup-steps 50)
	$(call leg,3,$(BOOKS),--init-from $(MODEL)/leg2 --sharing word --length 64 --batch-size 64 --schedule constant --warmup-steps 50 --seed 3)
	$(call leg,4,$(CORPUS),--init-from $(MODEL)/leg3 --form segments --temperature 3 --warmup-steps 50 --seed 4)
	$(call leg,5,$(BOOKS),--init-from $(MODEL)/leg4 --form segments --temperature 3 --learning-rate 4e-4 --warmup-steps 20 --seed 5)
	rm -rf $(MODEL)/mean
	$(BIN)/electra average $(MODEL)/leg4 $(MODEL)/leg4 $(MODEL)/leg5 --out $(MODEL)/mean
	$(BIN)/electra export $(MODEL)/mean $(MODEL)/electra-mini-en --bundle
	for leg in 1 2 3 4; do cp $(MODEL)/leg$$leg/log.jsonl $(MODEL)/electra-mini-en/log-leg$$leg.jsonl; done

# The stamp is written last: an installation that was interrupted is simply done again.
$(INSTALLED): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 was found. Install one, or name it: make PYTHON=/path/to/python3.12"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.lock -e '.[lab,dev]'
	mkdir -p $(LAB_SETTINGS) && echo '$(NO_NEWS)' > $(LAB_SETTINGS)/overrides.json
	touch $(INSTALLED)

# torch brings its own CUDA packages where its build needs them, so they are left out: the lock then serves CPU and GPU alike.
lock: $(INSTALLED)
	$(BIN)/python -m pip install -q uv
	mkdir -p build && grep -v '^#' requirements.lock > build/resolved.txt
	$(BIN)/uv pip compile -q pyproject.toml --extra lab --extra dev --universal --python-version 3.11 --fork-strategy fewest \
	  --no-annotate --no-header $(if $(UPGRADE),--upgrade) -o build/resolved.txt
	{ sed -n '/^#/p' requirements.lock; grep -vE "^(cuda|nvidia|triton)-?|sys_platform == 'emscripten'" build/resolved.txt; } > build/requirements.lock
	mv build/requirements.lock requirements.lock

clean:
	rm -rf .venv build
