# predictors.mk - do heavy tails, and which layers a language uses, say whom rounding the weights will hurt?
# SPDX-License-Identifier: GPL-3.0-or-later
#
#   make -f pipelines/predictors.mk MODEL=bloom-560m                            a directory as Hugging Face has it, on the
#                                                                               Declaration of Human Rights
#   make -f pipelines/predictors.mk MODEL=bloom-560m TEXT=flores/devtest STEMS="eng tha fin"      on dir/*.txt
#   make -f pipelines/predictors.mk MODEL=... BITS=3 PER=group:128 CLIP=mse     other rounding
#
# Everything is measured on one model and one text. What is asked was fixed before looking: a predictor is computed from
# the model as it is (tails of its MLP weights, how much each layer is used on a language's text, tokens the language
# needs), the damage from running it rounded; r, rho and their intervals over languages, p adjusted by Holm for all
# predictors. Layers whose MLP weights have excess kurtosis above OUTLIER are outlier layers. Use of a layer is the mean
# absolute value at a site over tokens, as a share of all layers: at mlp_out, what the MLP adds, and at resid, the stream
# behind the layer, which is what a hook on the MLP of the reference code's BLOOM sees; with the first token, whose values
# can be hundreds of times larger than all others, and without.
include pipelines/lib.mk

MODEL     ?= $(error MODEL is not set: a directory with config.json, the weights and tokenizer.json)
TOKENIZER ?= $(MODEL)
TEXT      ?= pipelines/data/udhr/eval
STEMS     ?= $(basename $(notdir $(wildcard $(TEXT)/*.txt)))
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

SPEC := bits=$(BITS),per=$(PER),clip=$(CLIP)
DIR  := $(OUT)/predictors/$(call slug,$(MODEL))_$(call slug,$(SPEC))_outlier-$(OUTLIER)_$(DAMAGE)_$(RESAMPLES)-seed-$(SEED)$(if \
	$(CONTEXT),_context-$(CONTEXT))$(call swapped,STEMS TEXT TOKENIZER REFERENCE ACTDUMP PPL KURT TOKSTAT BOOTSTRAP CORR)
$(shell mkdir -p $(DIR))
HOW     := pipelines/predictors
FILES   := $(STEMS:%=$(TEXT)/%.txt)
SHOWN   := $(if $(filter file,$(origin STEMS)),$(TEXT)/*.txt,$(FILES))
WINDOWS := $(CONTEXT:%=--context=%)
CONFIG  := $(MODEL)/config.json

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
	  mlr --csv put -q -f $(HOW)/use.mlr then fraction -f absmean -g lang,site,tokens then rename absmean_fraction,use > $@

# Three figures go by the name of effective kurtosis; here each has its own
$(DIR)/effective.csv: $(DIR)/use.csv $(DIR)/layers.csv $(HOW)/effective.mlr
	mlr --csv join -j layer -f $(DIR)/layers.csv then put -q -f $(HOW)/effective.mlr $< > $@

# ---- 3. damage: the model rounded on the way, against itself, line by line

$(DIR)/lines.csv: $(CONFIG) $(FILES) $(call program,PPL)
	$(RUN) $(PPL) --model=$(MODEL) --tokenizer=$(TOKENIZER) --quant=$(SPEC) --by=line $(WINDOWS) --threads=$(THREADS) $(SHOWN) > $@

# Sums over lines, divided by tokens or bytes; drawing lines gives their intervals
$(DIR)/damage.csv: $(DIR)/lines.csv $(HOW)/damage.mlr
	mlr --csv put -q -f $(HOW)/damage.mlr $< > $@

$(DIR)/damage-intervals.csv: $(DIR)/lines.csv $(call program,BOOTSTRAP)
	mlr --csv filter '$$tokens > 0 && is_not_empty($${$(DAMAGE)})' \
	  then put '$$weight = "$(DAMAGE)" == "delta_bits_per_byte" ? $$bytes : $$tokens; $$sum = $${$(DAMAGE)} * $$weight' $< | \
	  $(BOOTSTRAP) --stat=ratio-of-sums --x=sum --y=weight --by=lang --resamples=$(RESAMPLES) --interval=percentile \
	  --seed=$(SEED) --threads=$(THREADS) > $@

# ---- 4. one row a language, and every predictor against the damage

$(DIR)/tokens.csv: $(FILES) $(call program,TOKSTAT)
	$(RUN) $(TOKSTAT) --tokenizer=$(TOKENIZER) --reference=$(REFERENCE) --threads=$(THREADS) $(SHOWN) | \
	  mlr --csv cut -o -f lang,script,premium,fertility,bytes_per_token then put '$$latin = $$script == "Latn" ? 1 : 0' > $@

$(DIR)/languages.csv: $(DIR)/damage.csv $(DIR)/tokens.csv $(DIR)/effective.csv
	mlr --csv put '$$place = $$site . "_" . $$tokens' then cut -x -f site,tokens then reorder -f lang,place \
	  then reshape -i outlier_use,kurtosis_outlier,kurtosis_weighted,kurtosis_mixture -o key,value \
	  then put '$$key = $$key . "_" . $$place' then cut -x -f place then reshape -s key,value $(DIR)/effective.csv | \
	  mlr --csv join -j lang -f $(DIR)/tokens.csv then join -j lang -f $(DIR)/damage.csv then sort -nr $(DAMAGE) > $@

# kurtosis_outlier is outlier_use times a number plus another, so every correlation with it is that with outlier_use:
# it has its column in the tables, but is no further test.
SITES      := mlp_out_all mlp_out_rest resid_all resid_rest
PREDICTORS := $(foreach k,outlier_use kurtosis_weighted kurtosis_mixture,$(SITES:%=$(k)_%)) premium ref_bits_per_byte latin
comma       = $(subst $() ,$(,),$(strip $(1)))
$(DIR)/correlations.csv: $(DIR)/languages.csv $(call program,CORR)
	$(CORR) --x=$(call comma,$(PREDICTORS)) --y=$(DAMAGE) --method=pearson,spearman --adjust=holm $< > $@

$(DIR)/correlations-given-script.csv: $(DIR)/languages.csv $(call program,CORR)
	$(CORR) --x=$(call comma,$(filter-out latin,$(PREDICTORS))) --y=$(DAMAGE) --given=latin --adjust=holm $< > $@

$(DIR)/use-off.csv: $(DIR)/languages.csv $(DIR)/use.csv $(HOW)/use-off.mlr
	mlr --csv put -q -f $(HOW)/use-off.mlr $(DIR)/languages.csv $(DIR)/use.csv > $@

# ---- 5. figures, and what they say

$(eval $(call figure,tails,$(HOW)/tails.gp,csv=$(DIR)/tails.csv layers=$(DIR)/layers.csv outlier=$(OUTLIER)))
$(eval $(call figure,use-off,$(HOW)/use.gp,csv=$(DIR)/use-off.csv))
$(eval $(call figure,damage,$(HOW)/damage.gp,intervals=$(DIR)/damage-intervals.csv measure=$(DAMAGE) spec=$(SPEC)))
$(eval $(call figure,correlations,$(HOW)/correlations.gp,csv=$(DIR)/correlations.csv measure=$(DAMAGE)))

$(DIR)/findings.txt: $(HOW)/findings.awk $(DIR)/layers.csv $(DIR)/damage.csv $(DIR)/correlations.csv
	awk -F, -v measure=$(DAMAGE) -v spec=$(SPEC) -v outlier=$(OUTLIER) -f $^ > $@
findings: $(DIR)/findings.txt $(DIR)/correlations-given-script.csv
	@cat $<
	@echo; echo "figures: $(OUT)/figures   tables: $(DIR)"
