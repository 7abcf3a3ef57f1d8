# measure.mk - what a study of a model measures on a text: tails, use of layers, damage by rounding, tokens. Included by
# predictors.mk and study.mk, which set STUDY, and KNOBS for what more is in the name of DIR.
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
SWAPPED := $(call swapped,STEMS TEXT TOKENIZER VOLUME REFERENCE ACTDUMP PPL KURT TOKSTAT BOOTSTRAP CORR MODELCAT $(STEPS))
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
comma    = $(subst $() ,$(,),$(strip $(1)))
# Text of as many lines in each language is taken for parallel: line i says the same in all
PARALLEL := $(shell test "$$(wc -l $(FILES) | awk '$$2 != "total" { print $$1 }' | sort -u | wc -l)" = 1 && echo yes)

# Lines of ppl with their damage as a sum and what divides it, so that languages are ratios of sums
WEIGH := filter '$$tokens > 0 && is_not_empty($${$(DAMAGE)})' \
	  then put '$$weight = "$(DAMAGE)" == "delta_bits_per_byte" ? $$bytes : $$tokens; $$sum = $${$(DAMAGE)} * $$weight'
RESAMPLE := $(BOOTSTRAP) --resamples=$(RESAMPLES) --seed=$(SEED) --threads=$(THREADS) $(if $(PARALLEL),,--separate-draws)

# ---- 1. tails: of each layer and role, and of the MLP matrices of a layer together

$(DIR)/tails.csv: $(CONFIG) $(call program,MODELCAT KURT)
	$(RUN) $(MODELCAT) --compress=0 $(MODEL) | $(KURT) --by=layer,role,name --crest=128 --threads=$(THREADS) | \
	  mlr --csv filter 'is_not_empty($$layer) && $$shape =~ "x"' then cut -x -f frame,lang,channel,dtype > $@

$(DIR)/layers.csv: $(CONFIG) $(call program,MODELCAT KURT)
	$(RUN) $(MODELCAT) --compress=0 $(MODEL) | \
	  $(KURT) --by=layer --only='*.mlp.*.weight,*.fc1.weight,*.fc2.weight' --threads=$(THREADS) | \
	  mlr --csv cut -o -f layer,n,mean,sd,skewness,kurtosis,kurtosis_se,max_abs \
	  then put '$$outlier = $$kurtosis > $(OUTLIER) ? 1 : 0' > $@

# ---- 2. use of each layer by each language

$(DIR)/use.csv: $(CONFIG) $(FILES) $(call program,ACTDUMP KURT)
	$(RUN) $(ACTDUMP) --model=$(MODEL) --tokenizer=$(TOKENIZER) --site=mlp_out,resid --reduce=absmean --first=both $(WINDOWS) \
	  --threads=$(THREADS) $(SHOWN) | $(KURT) --by=lang,name | \
	  mlr --csv put -q -f $(MEASURE)/use.mlr then fraction -f absmean -g lang,site,tokens \
	  then rename absmean_fraction,use > $@

# Three figures go by the name of effective kurtosis; here each has its own
$(DIR)/effective.csv: $(DIR)/use.csv $(DIR)/layers.csv $(MEASURE)/effective.mlr
	mlr --csv join -j layer -f $(DIR)/layers.csv then put -q -f $(MEASURE)/effective.mlr $< > $@

# ---- 3. damage: the model rounded on the way, against itself, line by line

$(DIR)/lines.csv: $(CONFIG) $(FILES) $(call program,PPL)
	$(RUN) $(PPL) --model=$(MODEL) --tokenizer=$(TOKENIZER) --quant=$(SPEC) --by=line $(WINDOWS) --threads=$(THREADS) $(SHOWN) > $@

# Sums over lines, divided by tokens or bytes; drawing lines gives their intervals
$(DIR)/damage.csv: $(DIR)/lines.csv $(MEASURE)/damage.mlr
	mlr --csv put -q -f $(MEASURE)/damage.mlr $< > $@

$(DIR)/damage-intervals.csv: $(DIR)/lines.csv $(call program,BOOTSTRAP)
	mlr --csv $(WEIGH) $< | $(RESAMPLE) --stat=ratio-of-sums --x=sum --y=weight --by=lang --interval=percentile > $@

# ---- 4. tokens, and one row a language

$(DIR)/tokens.csv: $(FILES) $(call program,TOKSTAT)
	$(RUN) $(TOKSTAT) --tokenizer=$(TOKENIZER) $(if $(PARALLEL),--reference=$(REFERENCE)) --threads=$(THREADS) $(SHOWN) | \
	  mlr --csv template -f lang,script,premium,fertility,bytes_per_token \
	  then put '$$latin = $$script == "Latn" ? 1 : 0' > $@

$(DIR)/languages.csv: $(DIR)/damage.csv $(DIR)/tokens.csv $(DIR)/effective.csv
	mlr --csv put '$$place = $$site . "_" . $$tokens' then cut -x -f site,tokens then reorder -f lang,place \
	  then reshape -i outlier_use,kurtosis_outlier,kurtosis_weighted,kurtosis_mixture -o key,value \
	  then put '$$key = $$key . "_" . $$place' then cut -x -f place then reshape -s key,value $(DIR)/effective.csv | \
	  mlr --csv join -j lang -f $(DIR)/tokens.csv then join -j lang -f $(DIR)/damage.csv then sort -nr $(DAMAGE) > $@

$(DIR)/use-off.csv: $(DIR)/languages.csv $(DIR)/use.csv $(MEASURE)/use-off.mlr
	mlr --csv put -q -f $(MEASURE)/use-off.mlr $(DIR)/languages.csv $(DIR)/use.csv > $@

$(eval $(call figure,tails,$(MEASURE)/tails.gp,csv=$(DIR)/tails.csv layers=$(DIR)/layers.csv outlier=$(OUTLIER)))
$(eval $(call figure,use-off,$(MEASURE)/use.gp,csv=$(DIR)/use-off.csv))
