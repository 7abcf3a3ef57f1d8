# lib.mk - what every study sets: a strict shell, one locale, where programs and results are, how a figure is drawn.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A study includes this first (from the repository's root), then gives
#   DIR      where it puts everything: $(OUT)/STUDY/KNOBS, with every knob that changes a number in the name
#   rules    one for each step; the first word of a step is a variable below, so that a step can be swapped
#   figures  $(eval $(call figure,NAME,SCRIPT,csv=$(DIR)/NAME.csv OTHER=FILE ...))
#   findings what was found, in words: $(DIR)/findings.txt, printed by the default goal

SHELL        = $(step)bash
.SHELLFLAGS  = $(guard) -euo pipefail -c
.ONESHELL:                              # a step is all lines of a recipe
.DELETE_ON_ERROR:                       # a failed step leaves no file
.SECONDARY:
.SUFFIXES:
, := ,
MAKEFLAGS   += --no-builtin-rules

flags = $(filter-out --%,$(firstword -$(MAKEFLAGS)))

# A line for each file that is made; whole commands with V=1, or before they run with -n
ifndef V
.SILENT:
step  = $(if $(findstring /,$@),$(if $(findstring n,$(flags))$(findstring s,$(flags))$(filter $@,$(SEEN)),,$(info $(basename \
	$(notdir $(firstword $(MAKEFILE_LIST)))): $(notdir $@))$(eval SEEN += $@)))
endif

BIN  ?= $(CURDIR)/bin
OUT  ?= pipelines/out
export PATH   := $(BIN):$(PATH)
export LC_ALL := C

# Which steps are at work stands in BEGUN. What one of them that was killed together with make has left is made again.
BEGUN := $(OUT)/.begun
ifeq ($(findstring n,$(flags)),)
guard  = $(if $(findstring /,$@),pipelines/step.sh $(BEGUN) $(MADE) -- bash)
$(if $(wildcard $(BEGUN)/*),$(shell pipelines/step.sh $(BEGUN)))
endif

# ---- steps that can be swapped: make figures TOKSTAT=./mine.sh, RUN='srun -c 8'

TOKSTAT   ?= tokstat
TOK       ?= tok
KURT      ?= kurt
CORR      ?= corr
BOOTSTRAP ?= bootstrap
PLOT      ?= pipelines/plot/draw.sh
RUN       ?=#                           what starts a long step elsewhere
THREADS   := $(or $(THREADS),$(shell nproc 2>/dev/null || echo 1))

# $(call program,TOKSTAT CORR): the files behind these steps. What depends on them is made again when a program changes.
program = $(wildcard $(foreach p,$(1),$(shell PATH='$(PATH)' command -v "$(firstword $($(p)))" || true)))

# $(call model_files,DIR): what a step that reads a model depends on: new weights, new numbers
model_files = $(1)/config.json $(wildcard $(1)/*.safetensors $(1)/*.bin)

# $(call swapped,TOKSTAT CORR): what to add to DIR's name: nothing for the project's own programs, else _tokstat-mine.sh
swapped = $(subst $() ,,$(foreach p,$(1),$(if $(filter-out file,$(origin $(p))),_$(call slug,$(p)=$($(p))))))
slug    = $(shell tr -cs 'A-Za-z0-9.\n' - <<<'$(subst ','\'',$(1))' | tr A-Z a-z)
# $(call shorter,WORDS): WORDS or, where a folder's name could become too long by them, their beginning and a checksum
shorter = $(shell words='$(1)'; [ "$${#words}" -lt 90 ] && echo "$$words" || echo "$${words:0:70}-$$(cksum <<<"$$words" | cut -d ' ' -f 1)")

# $(call together,A B): the targets of one step, in front of &:
together = $(eval $(1): private MADE = $(subst %,$$*,$(1)))$(1)
MADE     = $@

# ---- figures

PLOT_STYLE := pipelines/plot/draw.sh pipelines/plot/style.gp

# NAME.svg, .pdf and .png from a gnuplot script, which finds files and words in the variables named here (csv=DIR/FILE
# title=WORD; what has a slash is a file that the figure depends on). The figure's numbers are $(DIR)/NAME.csv; `figures`
# puts all of these side by side in FIGURES.
FIGURES ?= $(OUT)/figures
files_in = $(foreach v,$(1),$(if $(findstring /,$(v)),$(lastword $(subst =, ,$(v)))))
define figure
figures: $(foreach e,svg pdf png csv,$(DIR)/$(1).$(e))
$(foreach e,svg pdf png,$(DIR)/$(1).$(e)): $(2) $(call files_in,$(3)) $(PLOT_STYLE)
	@$$(PLOT) $$(patsubst .%,%,$$(suffix $$@)) $(2) $(3) > $$@
endef

.PHONY: findings figures
.DEFAULT_GOAL := findings
findings: figures

figures:
	@mkdir -p $(FIGURES)
	@cp $^ $(FIGURES)/
