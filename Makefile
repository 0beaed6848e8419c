# make lab         JupyterLab on the first notebook; the first call makes .venv and installs everything
# make check       the same set-up, then ruff and the tests of what is changed most: 3 minutes on two cores
# make test        ruff and every test but the slow ones, with the notebooks and the browser: 9 minutes on two idle cores, up to 25 on slow ones
# make test-all    every test, and the mutants: what a night is for
# make test-slow   only what is slow
# make test-colab  every notebook with the package versions that Colab has (part of test-slow)
# make solved      run the notebooks solved, those that changed since they last passed, and record the ones that pass
# make mutants     put each known mistake into a copy of the package and see a test catch it (MUTANTS="name …": some)
# make lint        ruff alone
# make notebooks   execute every notebook in order and normalise it
# make links       write the links in every notebook anew, from [project.urls] in pyproject.toml, and the marks for nbgrader
# make zh          the Chinese notebooks: code and outputs anew from the English ones, prose left alone; list what is stale or missing
# make messages    write new messages of the package into the catalogues of electra_helpers/locale, and strike out those that are gone
# make handout     the notebooks without hints and solutions, in build/handout
# make site        the website, in build/site: every notebook as a page, and the explorer in the page (wants Node.js for formulas)
# make offline-kit  everything for a room without network, in build/offline-kit
# make model       pre-train electra-mini-en anew, in some 2 1/2 hours of two cores:
#                  make model CORPUS='en_wiki.jsonl.xz en_books.jsonl.xz' BOOKS=en_books.jsonl.xz
#                  or electra-minilm-en from an encoder, in two hours of two cores: make model ENCODER=minilm/ CORPUS=…
#                  or electra-mini-zh, in 75 minutes of one core with bf16: make model NAME=electra-mini-zh CORPUS=zh.jsonl
# make release     set the version, changelog, badges and set-up cells together, commit, and tag: make release VERSION=0.2.0
# make types       pyright on reading, text, corruption, model, saved, exchange and training
# make lock        resolve requirements.lock and requirements.cuda.lock anew, with hashes (UPGRADE=1 moves to the newest versions)

# The first Python that will do; its path may hold blanks (as in ~/Library/Application Support), so make never splits it into words.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11 python; do \
  $$name -c 'import sys; assert (3, 11) <= sys.version_info < (3, 14); print(sys.executable)' 2>/dev/null && break; done)
BIN := .venv/bin
INSTALLED := .venv/installed
# One process a core; the tests of one file stay in one process (tests/conftest.py).
PYTEST = $(BIN)/pytest -n auto
# JupyterLab refuses to serve as root (in a container, say) unless it is told to.
ROOT_FLAG := $(if $(filter 0,$(shell id -u)),--allow-root)
# A learner's first sight is the notebook, not the question whether Jupyter may fetch its news.
LAB_SETTINGS := .venv/share/jupyter/lab/settings
NO_NEWS := {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}

.PHONY: lab check test test-all test-slow test-colab solved mutants lint notebooks links zh messages handout site offline-kit model enough-text electra-mini-en electra-minilm-en electra-mini-zh release types lock clean

lab: $(INSTALLED)
	$(BIN)/jupyter lab $(ROOT_FLAG) --LabApp.default_url=/lab/tree/notebooks/00_welcome.ipynb

check: lint
	$(PYTEST) -m "not slow" @tests/check.txt

test: lint
	$(PYTEST) -m "not slow"

test-all: lint
	$(PYTEST)
	$(MAKE) mutants MUTANTS=--sound  # every test has just passed

test-slow: $(INSTALLED)
	$(PYTEST) -m slow

test-colab: $(INSTALLED)
	$(BIN)/pytest -m slow tests/colab

solved: $(INSTALLED)
	$(BIN)/python -m tests.course.solved

mutants: $(INSTALLED)
	$(BIN)/python tests/mutants/run.py $(MUTANTS)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

notebooks: $(INSTALLED)
	$(BIN)/python -m tests.notebooks.execute

links: $(INSTALLED)
	$(BIN)/python -m tests.notebooks.execute --links

zh: $(INSTALLED)
	$(BIN)/python -m tests.notebooks.translated

messages: $(INSTALLED)
	$(BIN)/python -m tests.house.messages

handout: $(INSTALLED)
	$(BIN)/electra course handout --out build/handout

site: $(INSTALLED)
	$(BIN)/python -m electra_helpers.site build/site

offline-kit: $(INSTALLED)
	$(BIN)/python -m tests.kits.offline_kit build/offline-kit

# Five legs, each from the end of the one before; an interrupted leg resumes. Short rows at one rate; longer rows of two segments while the
# rate falls, with wilder fakes. Then the same again, both nets with one word table, the short rows from BOOKS alone; a last stretch of BOOKS.
# The model is the mean of the two last ends, the fourth leg's counted twice.
CORPUS ?=
BOOKS ?= $(CORPUS)
# With ENCODER, the folder of an encoder of BERT's shape (MiniLM), electra-minilm-en: its vocabulary cut to KEEP pieces, short rows, a tenth of the
# fakes from all words of the text. One run at one rate and on while it falls (legs 1 and 2), a longer one from the encoder anew in bf16 (leg 3);
# the model is the mean of their ends, the longer one's counted twice.
ENCODER ?=
KEEP ?= 16384
# electra-mini-zh: from nothing, characters; short rows at one rate, then the same while the rate falls. The text is to be in simplified
# characters (python -m tests.benchmarks.simplified).
NAME ?= $(if $(ENCODER),electra-minilm-en,electra-mini-en)
STEPS_en := 1600 850 2200 1300 350
STEPS_minilm := 501 240 3100
STEPS_zh := 8203 2500
STEPS ?= $(STEPS_$(if $(ENCODER),minilm,$(lastword $(subst -, ,$(NAME)))))
SIZE ?= mini
MODEL ?= build/$(NAME)
# On several processes: make model PRETRAIN=".venv/bin/accelerate launch --config_file data/accelerate/… -m electra_helpers.cli pretrain"
PRETRAIN ?= $(BIN)/electra pretrain
text = $(foreach file,$(1),--corpus $(file))
# $(call leg,its number,its text,its settings)
leg = $(PRETRAIN) $(call text,$(2)) --size $(SIZE) $(3) --steps $(word $(1),$(STEPS)) --eval-every 200 --save-every 200 --keep 20 \
  --out $(MODEL)/leg$(1) $(if $(wildcard $(MODEL)/leg$(1)/run.json),--resume)
short = --form sentences --length 64 --batch-size 64 --warmup-steps 50 --unigram-share 0.1 --unigram-power 0.25
from_encoder = --init-from $(ENCODER) --keep-vocabulary $(KEEP) --dropout 0 --attention-dropout 0 $(short) --learning-rate 3e-4
zh = $(short) --validation-share 0.01 --precision bf16

enough-text: $(INSTALLED)
	@test -n "$(CORPUS)" || { echo "Name the text to learn from: make model CORPUS='first.jsonl.xz second.jsonl.xz'"; exit 2; }

model: $(NAME)

electra-minilm-en: enough-text
	$(call leg,1,$(CORPUS),$(from_encoder) --schedule constant)
	$(call leg,2,$(CORPUS),--init-from $(MODEL)/leg1 $(short) --learning-rate 3e-4 --seed 2)
	$(call leg,3,$(CORPUS),$(from_encoder) --precision bf16)
	rm -rf $(MODEL)/mean $(MODEL)/$(NAME)
	$(BIN)/electra average $(MODEL)/leg2 $(MODEL)/leg3 $(MODEL)/leg3 --out $(MODEL)/mean
	$(BIN)/electra export $(MODEL)/mean $(MODEL)/$(NAME) --bundle --weights int8
	for leg in 1 2; do cp $(MODEL)/leg$$leg/log.jsonl $(MODEL)/$(NAME)/log-leg$$leg.jsonl; done
	cp $(MODEL)/leg3/log.jsonl $(MODEL)/$(NAME)/log.jsonl

electra-mini-zh: enough-text
	$(call leg,1,$(CORPUS),--vocab-size 6144 --whole-words 0 $(zh) --schedule constant)
	$(call leg,2,$(CORPUS),--init-from $(MODEL)/leg1 $(zh) --seed 2)
	rm -rf $(MODEL)/$(NAME)
	$(BIN)/electra export $(MODEL)/leg2 $(MODEL)/$(NAME) --bundle --weights int8
	cp $(MODEL)/leg1/log.jsonl $(MODEL)/$(NAME)/log-leg1.jsonl

electra-mini-en: enough-text
	$(call leg,1,$(CORPUS),--length 64 --batch-size 64 --schedule constant)
	$(call leg,2,$(CORPUS),--init-from $(MODEL)/leg1 --form segments --temperature 3 --warmup-steps 50)
	$(call leg,3,$(BOOKS),--init-from $(MODEL)/leg2 --sharing word --length 64 --batch-size 64 --schedule constant --warmup-steps 50 --seed 3)
	$(call leg,4,$(CORPUS),--init-from $(MODEL)/leg3 --form segments --temperature 3 --warmup-steps 50 --seed 4)
	$(call leg,5,$(BOOKS),--init-from $(MODEL)/leg4 --form segments --temperature 3 --learning-rate 4e-4 --warmup-steps 20 --seed 5)
	rm -rf $(MODEL)/mean
	$(BIN)/electra average $(MODEL)/leg4 $(MODEL)/leg4 $(MODEL)/leg5 --out $(MODEL)/mean
	$(BIN)/electra export $(MODEL)/mean $(MODEL)/electra-mini-en --bundle
	for leg in 1 2 3 4; do cp $(MODEL)/leg$$leg/log.jsonl $(MODEL)/electra-mini-en/log-leg$$leg.jsonl; done

release: $(INSTALLED)
	$(BIN)/python -m tests.house.release "$(VERSION)"

types: $(INSTALLED)
	$(BIN)/python -m pip install -q --disable-pip-version-check 'pyright[nodejs]==1.1.414'
	$(BIN)/pyright --pythonpath $(BIN)/python

# pip takes only files whose hash stands in the lock, and asks for nothing that the lock does not name. torch's CPU build comes first, where
# one is to be had or is there already: then nothing of CUDA is needed. Python compiles a module when it is first imported, not all of them here. The
# stamp is written last: an installation that was interrupted is simply done again.
PIP_INSTALL = $(BIN)/python -m pip install --disable-pip-version-check --no-deps --no-compile
$(INSTALLED): requirements.lock requirements.cuda.lock requirements.cpu.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 was found. Install one, or name it: make PYTHON=/path/to/python3.12"; exit 2; }
	test -x $(BIN)/python || "$(PYTHON)" -m venv .venv
	@$(PIP_INSTALL) -q --require-hashes -r requirements.cpu.lock 2>/dev/null || echo "No CPU build of torch on the indexes: PyPI's serves."
	$(PIP_INSTALL) --require-hashes -r requirements.lock
	if $(BIN)/python -c 'import importlib.metadata as m; exit("cuda" not in str(m.requires("torch")))'; then \
	  $(PIP_INSTALL) --require-hashes -r requirements.cuda.lock; fi
	$(PIP_INSTALL) --no-build-isolation -e .
	mkdir -p $(LAB_SETTINGS) && echo '$(NO_NEWS)' > $(LAB_SETTINGS)/overrides.json
	touch $(INSTALLED)

lock: $(INSTALLED)
	$(BIN)/python -m pip install -q uv
	mkdir -p build && cat requirements.lock requirements.cuda.lock > build/resolved.txt
	$(BIN)/uv pip compile -q pyproject.toml --extra lab --extra dev --extra onnx --universal --python-version 3.11 --fork-strategy fewest \
	  --no-annotate --no-header --generate-hashes $(if $(UPGRADE),--upgrade) -o build/resolved.txt
	$(BIN)/python -m tests.house.lock build/resolved.txt

clean:
	rm -rf .venv build
