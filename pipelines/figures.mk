# figures.mk - all studies, one after the other: make -f pipelines/figures.mk [STUDIES=tokenisation] [a study's knobs]
# SPDX-License-Identifier: GPL-3.0-or-later
#
#   make figures                              what runs in minutes
#   make figures PLANTED=1                    and planted.mk, which takes some minutes more
#   make -f pipelines/figures.mk ship         what README shows goes to pipelines/figures: its figures and, in words, what each study
#                                             says, below the checksums of what it measured. Hours, where interventions.mk is to run.
#
# With MODEL= the study is of that model; else of those that are shipped, each for itself and the first against the second.
SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
SHIPPED := $(patsubst %/config.json,%,$(foreach m,bloom-style xglm-style,$(wildcard pipelines/data/models/$(m)/config.json)))
MODEL   ?= $(firstword $(SHIPPED))
MODEL2  ?= $(if $(filter $(MODEL),$(SHIPPED)),$(word 2,$(SHIPPED)))
PLANTED ?=
OF_MODEL := study planted interventions interventions-planted
STUDIES ?= recorded tokenisation $(if $(wildcard pipelines/data/variants/tails.csv),variants) $(if $(MODEL),study $(if $(PLANTED),planted))
SAID    ?= recorded tokenisation variants $(OF_MODEL)
ALL     := $(sort $(STUDIES) $(SAID))
# STUDY-GOAL is that goal of the study
RECIPE   = $(strip --no-print-directory -f pipelines/$(firstword $(subst -, ,$(1))).mk $(if $(filter $(1),$(OF_MODEL)),MODEL=$(MODEL)) \
  $(if $(filter study,$(1)),MODEL2=$(MODEL2)) $(word 2,$(subst -, ,$(1))))
.PHONY: figures ship $(ALL) $(SAID:%=ship-%)
figures: $(STUDIES)
$(filter-out study,$(ALL)):
	@$(MAKE) $(call RECIPE,$@)
study:
	$(if $(MODEL2),@$(MAKE) --no-print-directory -f pipelines/study.mk MODEL=$(MODEL2) MODEL2=)
	@$(MAKE) $(call RECIPE,$@)

# ---- what README shows

OUT  ?= pipelines/out
KEPT ?= pipelines/figures
NAME := $(notdir $(abspath $(MODEL)))
weights = $(wildcard $(foreach m,$(1),$(m)/*.safetensors $(m)/*.bin))
# What a study has measured, and which figure of it README has under which name
MEASURED_study         := $(call weights,$(MODEL) $(MODEL2))
MEASURED_planted       := $(call weights,$(MODEL))
MEASURED_interventions := $(call weights,$(MODEL))
MEASURED_interventions-planted := $(call weights,$(MODEL))
MEASURED_variants      := $(wildcard pipelines/data/variants/*.csv)
MEASURED_tokenisation  := $(wildcard pipelines/data/tokenizers/*/tokenizer.json.gz)
MEASURED_recorded      := $(wildcard pipelines/data/*.csv)
FIGURE_study           := $(NAME)/unequal.svg unequal-$(NAME).svg
FIGURE_interventions   := $(NAME)/arms.svg repairs-$(NAME).svg
FIGURE_tokenisation    := premium-qwen3.svg premium-qwen3.svg

# All is made by then: this run has nothing left to do but to say it, and needs no job server
SAY = MAKEFLAGS='$(filter-out -j% --jobserver%,$(MAKEFLAGS))' $(MAKE) -s $(call RECIPE,$(1))
ship: $(SAID:%=ship-%)
$(SAID:%=ship-%): ship-%: %
	@mkdir -p $(KEPT)
	@{ sha256sum $(MEASURED_$*); echo; $(call SAY,$*) | sed 's,$(CURDIR)/,,g; s,$(OUT)/,,g'; } > $(KEPT)/$*.part
	@$(if $(FIGURE_$*),cp $(OUT)/figures/$(word 1,$(FIGURE_$*)) $(KEPT)/$(word 2,$(FIGURE_$*)))
	@mv $(KEPT)/$*.part $(KEPT)/$*.txt
	@echo "kept: $(KEPT)/$*.txt"
