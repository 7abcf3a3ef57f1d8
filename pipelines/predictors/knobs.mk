# knobs.mk - what every study of a model on a text can be told, and where it puts everything. STUDY, KNOBS (what more is in
# the name of DIR) and STEPS (what more can be swapped) are set before.
# SPDX-License-Identifier: GPL-3.0-or-later
include pipelines/lib.mk

MODEL     ?= $(error MODEL is not set: a directory with config.json, the weights and tokenizer.json)
TOKENIZER ?= $(MODEL)
TEXT      ?= pipelines/data/udhr/eval
# A model that says what it was trained on (languages.csv beside it: lang, bytes) is asked about those languages
VOLUME    ?= $(wildcard $(MODEL)/languages.csv)
THERE     := $(basename $(notdir $(wildcard $(TEXT)/*.txt)))
TRAINED   := $(if $(VOLUME),$(filter $(THERE),$(shell mlr --icsv --onidx cut -f lang $(VOLUME))))
STEMS     ?= $(or $(TRAINED),$(THERE))
REFERENCE ?= eng
BITS      ?= 4
PER       ?= channel
CLIP      ?= minmax
OUTLIER   ?= 10
DAMAGE    ?= delta_bits_per_byte#       or delta_nll degradation kl
CONTEXT   ?=#                           tokens at once; the programs' own choice if empty
RESAMPLES ?= 10000
SEED      ?= 1

ACTDUMP   ?= actdump
PPL       ?= ppl
MODELCAT  ?= modelcat

$(if $(STEMS),,$(error $(TEXT): no .txt files, one a language))
$(if $(filter $(REFERENCE),$(STEMS)),,$(error $(REFERENCE) is none of the languages: set REFERENCE=...))

SPEC    := bits=$(BITS),per=$(PER),clip=$(CLIP)
SWAPPED := $(call shorter,$(call swapped,STEMS TEXT TOKENIZER VOLUME REFERENCE ACTDUMP PPL KURT TOKSTAT BOOTSTRAP CORR MODELCAT $(STEPS)))
# $(call place,MODEL): where a study of that model puts everything
place   = $(OUT)/$(STUDY)/$(call slug,$(1))_$(call slug,$(SPEC))_outlier-$(OUTLIER)_$(DAMAGE)_$(RESAMPLES)-seed-$(SEED)$(if \
	$(CONTEXT),_context-$(CONTEXT))$(KNOBS)$(SWAPPED)
DIR     := $(call place,$(MODEL))
$(shell mkdir -p $(DIR))
MEASURE := pipelines/predictors
FILES   := $(STEMS:%=$(TEXT)/%.txt)
SHOWN   := $(if $(filter-out $(STEMS),$(THERE)),$(FILES),$(TEXT)/*.txt)
WINDOWS := $(CONTEXT:%=--context=%)
CONFIG  := $(MODEL)/config.json
MODEL_FILES := $(call model_files,$(MODEL))
comma    = $(subst $() ,$(,),$(strip $(1)))
# Text of as many lines in each language is taken for parallel: line i says the same in all
PARALLEL := $(shell test "$$(wc -l $(FILES) | awk '$$2 != "total" { print $$1 }' | sort -u | wc -l)" = 1 && echo yes)

# Lines of ppl with their damage as a sum and what divides it, so that languages are ratios of sums
WEIGH := filter '$$tokens > 0 && is_not_empty($${$(DAMAGE)})' \
	  then put '$$weight = "$(DAMAGE)" == "delta_bits_per_byte" ? $$bytes : $$tokens; $$sum = $${$(DAMAGE)} * $$weight'
RESAMPLE := $(RUN) $(BOOTSTRAP) --resamples=$(RESAMPLES) --seed=$(SEED) --threads=$(THREADS) $(if $(PARALLEL),,--separate-draws)
