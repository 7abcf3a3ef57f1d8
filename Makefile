# babelbits - which languages a quantised multilingual language model fails, why, and how to repair it.
#
#   make deps figures    install what is needed, build, run the studies, draw the figures
#   make deps check      the same, and the tests
#   make diagnose MODEL=DIR      one page: which languages quantising will hurt, and a recipe
#   make help            the other targets
#
# SPDX-License-Identifier: GPL-3.0-or-later

, := ,
VERSION := 0.1.0
PREFIX  ?= /usr/local

# One build tree for each flavour: bin/, bin/san/ (SAN=1), bin/fuzz/ (make fuzz, which sets FUZZ).
SAN     ?=
FUZZ    ?=
BIN     := $(if $(FUZZ),bin/fuzz,$(if $(SAN),bin/san,bin))
OBJ     := $(BIN)/.obj

CC      ?= cc
CFLAGS  ?= -O3 -g
WARN    := -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes
# No contraction into fused multiply-adds: every processor gives the same digits.
NUMERIC := -fno-math-errno -fno-trapping-math -ffp-contract=off
SANITISE := $(if $(SAN)$(FUZZ),-fsanitize=address$(,)undefined -fno-sanitize-recover=all -fno-omit-frame-pointer) \
  $(if $(FUZZ),-fsanitize=fuzzer-no-link) \
  $(if $(SAN),-Wno-unknown-warning-option -Wno-format-truncation) # GCC sees NULL where UBSan looks for it
BB_CPPFLAGS := -Icommon -D_GNU_SOURCE -DBABELBITS_VERSION='"$(VERSION)"'
BB_CFLAGS   := -std=c17 $(WARN) $(NUMERIC) -pthread $(SANITISE)
LIBS    := -lglpk -ldeflate -lz -lcsv -ljansson -lpcre2-8 -licuuc -licui18n -lgsl -lgslcblas -ldl -lm -pthread

PROGRAMS := $(patsubst cmd/%.c,$(BIN)/%,$(wildcard cmd/*.c))
COMMON   := $(wildcard common/*/*.c)
COMMON_O := $(COMMON:%.c=$(OBJ)/%.o)
UNITS    := $(patsubst tests/unit/%.c,$(BIN)/unit/%,$(wildcard tests/unit/*.c))
FUZZERS  := $(patsubst tests/fuzz/%.c,bin/fuzz/%,$(wildcard tests/fuzz/*.c))

.PHONY: all deps deps-model deps-check-all check check-all lint format bench figures corpus diagnose text model model-variants fuzz install clean help
.DELETE_ON_ERROR:
.SECONDARY:

all: $(PROGRAMS)

# One pattern rule builds every program; what the common code does not use is not linked.
$(BIN)/%: $(OBJ)/cmd/%.o $(OBJ)/libbabelbits.a
	$(CC) $(BB_CFLAGS) $(CFLAGS) $(LDFLAGS) $< $(OBJ)/libbabelbits.a -Wl,--as-needed $(LIBS) -o $@

$(OBJ)/libbabelbits.a: $(COMMON_O)
	rm -f $@
	$(AR) rcs $@ $^

$(OBJ)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(BB_CPPFLAGS) $(CPPFLAGS) $(BB_CFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

-include $(COMMON_O:.o=.d) $(PROGRAMS:$(BIN)/%=$(OBJ)/cmd/%.d) $(UNITS:$(BIN)/unit/%=$(OBJ)/tests/unit/%.d)

# ---- what the machine must have

DEPS_DEBIAN := gcc libc6-dev make zlib1g-dev libdeflate-dev libcsv-dev libjansson-dev libpcre2-dev libicu-dev \
	icu-devtools libgsl-dev libglpk-dev libopenblas-dev libdnnl-dev bats parallel miller gnuplot-nox fonts-dejavu-core help2man

deps:
	@tests/deps.sh $(DEPS_DEBIAN)

# Only to make the training text and what models are held against (make text model); studies, tests and programs do without.
DEPS_MODEL := gettext jq unzip p7zip-full xz-utils
deps-model:
	@tests/deps.sh $(DEPS_DEBIAN) $(DEPS_MODEL)

# What check-all tries besides, and skips where it is missing: pages in a browser, recipes under Slurm
DEPS_CHECK_ALL := chromium slurm-wlm munge
deps-check-all:
	@tests/deps.sh $(DEPS_DEBIAN) $(DEPS_CHECK_ALL)

# ---- tests

# SUITES names some: make check SUITES="kurt corr"
SUITES ?= $(patsubst tests/%.bats,%,$(wildcard tests/*.bats))
check: all $(UNITS)
	@BIN=$(CURDIR)/$(BIN) tests/run.sh $(SUITES:%=tests/%.bats)

check-all: all $(UNITS)
	@BIN=$(CURDIR)/$(BIN) SLOW=1 tests/run.sh $(SUITES:%=tests/%.bats)

lint:
	clang-format --dry-run -Werror $(wildcard cmd/*.c common/*/*.[ch] tests/*/*.[ch])
	printf '%s\n' $(wildcard cmd/*.c) $(COMMON) | xargs -P $$(nproc) -n 4 sh -c 'clang-tidy --quiet "$$@" -- $(BB_CPPFLAGS) -std=c17' tidy
	shellcheck -x .ci/run $(wildcard tests/*.sh tests/*/*.sh tests/*.bash pipelines/*.sh pipelines/*/*.sh)

format:
	clang-format -i $(wildcard cmd/*.c common/*/*.[ch] tests/*/*.[ch])

bench: all
	@BIN=$(CURDIR)/$(BIN) tests/bench/run.sh $(BENCH)

# Fuzzers want clang; run one with bin/fuzz/NAME -max_total_time=600 DIR
fuzz:
	@$(MAKE) --no-print-directory FUZZ=1 CC=clang CFLAGS='-g -O1' $(FUZZERS)
bin/fuzz/%: $(OBJ)/tests/fuzz/%.o $(OBJ)/libbabelbits.a
	$(CC) $(BB_CFLAGS) $(CFLAGS) -fsanitize=fuzzer $< $(OBJ)/libbabelbits.a -Wl,--as-needed $(LIBS) -o $@

# Small programs that test the common code itself.
$(BIN)/unit/%: $(OBJ)/tests/unit/%.o $(OBJ)/libbabelbits.a
	@mkdir -p $(@D)
	$(CC) $(BB_CFLAGS) $(CFLAGS) $(LDFLAGS) $< $(OBJ)/libbabelbits.a -Wl,--as-needed $(LIBS) -o $@

# ---- studies

figures corpus: all
	$(MAKE) -f pipelines/$@.mk
diagnose: all
	$(MAKE) $(if $(findstring -j,$(MAKEFLAGS)),,-j2) -f pipelines/diagnose.mk

text:
	$(MAKE) -f pipelines/text.mk
model: all
	$(MAKE) -f pipelines/model.mk
model-variants: all
	$(MAKE) -f pipelines/model.mk variants

# ---- install

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1
	for p in $(PROGRAMS); do \
	  install -m 755 $$p $(DESTDIR)$(PREFIX)/bin/ && \
	  help2man --no-info --name "$$($$p --help | sed -n '/^Usage:\|^  or:/d;p;q')" --output \
	    $(DESTDIR)$(PREFIX)/share/man/man1/$${p##*/}.1 $$p || exit 1; done

clean:
	rm -rf bin pipelines/out

help:
	@sed -n 's/^#   //p' Makefile
	@echo 'all (the default), check, check-all (slow tests too; make deps-check-all for all of them), lint, format, bench, fuzz, corpus, text, model, model-variants, install, clean'
	@echo 'SAN=1 builds and tests with address and undefined-behaviour sanitisers'
