# tokenisation.mk - what does a tokenizer charge each language for saying the same thing?
# SPDX-License-Identifier: GPL-3.0-or-later
#
#   make -f pipelines/tokenisation.mk STEMS="eng tha fin"      a toy run; then leave STEMS out
#   make -f pipelines/tokenisation.mk TOKENIZERS="qwen3 mine" TOKENIZER_mine=mine/tokenizer.json
#   make -f pipelines/tokenisation.mk TEXT=dir                 other text: dir/*.txt, one file a language, line i saying the
#                                                              same in all; or, if not quite parallel, dir/eval/*.txt with
#                                                              dir/languages.csv and dir/lines.csv as in data/README.md
#
# The text is the Universal Declaration of Human Rights (articles whose number is no multiple of 3; data/README.md), the
# same in every language, paired by paragraph. The premium of a language is its number of tokens over English's, or those
# of REFERENCE (Petrov et al. 2023); its interval comes from drawing paragraphs, in pairs, with replacement. The first two tokenizers are
# compared with each other, with BLOOM's own on FLORES-200, and with the damage of 4 bits that the published study has.
include pipelines/lib.mk

TOKENIZERS ?= qwen3 bloom-style
TOKENIZER_qwen3       ?= pipelines/data/tokenizers/qwen3/tokenizer.json.gz
TOKENIZER_bloom-style ?= pipelines/data/tokenizers/bloom-style/tokenizer.json.gz
TEXT      ?= pipelines/data/udhr
REFERENCE ?= eng
ifneq ($(filter %/,$(TEXT)),)
override TEXT := $(TEXT:%/=%)
endif
INDEXED   := $(wildcard $(TEXT)/languages.csv)
STEMS     ?= $(if $(INDEXED),$(shell tail -n +2 $(TEXT)/languages.csv | cut -d, -f1),$(basename $(notdir $(wildcard $(TEXT)/*.txt))))
RESAMPLES ?= 10000
SEED      ?= 1
PART      := $(TEXT)$(if $(INDEXED),/eval)

# What cannot work is said before anything is made
$(if $(word 2,$(TOKENIZERS)),,$(error TOKENIZERS must name two))
$(foreach t,$(TOKENIZERS),$(if $(TOKENIZER_$(t)),,$(error TOKENIZER_$(t) is not set)))
$(if $(STEMS),,$(error $(TEXT): no .txt files, one a language))
$(if $(wildcard $(PART)/$(REFERENCE).txt),,$(error $(PART): no $(REFERENCE).txt: set REFERENCE=...))
$(if $(filter $(REFERENCE),$(STEMS)),,$(error STEMS: no $(REFERENCE) among them: add it, or set REFERENCE=...))

SET := $(if $(filter file,$(origin STEMS)),all,$(call slug,$(STEMS)))
DIR := $(OUT)/tokenisation/$(call slug,$(TOKENIZERS))_$(SET)-to-$(REFERENCE)_$(RESAMPLES)-seed-$(SEED)$(call \
	swapped,TEXT $(TOKENIZERS:%=TOKENIZER_%) TOKSTAT BOOTSTRAP CORR)
$(shell mkdir -p $(DIR))
FIRST  := $(word 1,$(TOKENIZERS))
SECOND := $(word 2,$(TOKENIZERS))
HOW := pipelines/tokenisation

# ---- 1. tokens: by paragraph, and in sum

FILES := $(STEMS:%=$(PART)/%.txt)
SHOWN := $(if $(filter all,$(SET)),$(PART)/*.txt,$(FILES))
define measure
$(DIR)/lines-$(1).csv: $(TOKENIZER_$(1)) $(FILES) $(call program,TOKSTAT)
	$$(RUN) $$(TOKSTAT) --by=line --tokenizer=$(TOKENIZER_$(1)) $(SHOWN) > $$@
$(DIR)/efficiency-$(1).csv: $(TOKENIZER_$(1)) $(FILES) $(call program,TOKSTAT)
	$$(RUN) $$(TOKSTAT) --tokenizer=$(TOKENIZER_$(1)) $(SHOWN) > $$@
endef
$(foreach t,$(TOKENIZERS),$(eval $(call measure,$(t))))

# Plain text needs an index: every line is a unit, and a language's script is what tokstat sees most of.
INDEX := $(if $(INDEXED),$(TEXT),$(DIR))
ifndef INDEXED
$(DIR)/languages.csv: $(DIR)/efficiency-$(FIRST).csv $(DIR)/lines.csv
	mlr --csv rename lang,stem then put '$$name = $$stem; $$study_code = $$stem' then cut -o -f stem,name,script,study_code $< > $@
$(DIR)/lines.csv: $(DIR)/lines-$(FIRST).csv
	mlr --csv rename lang,stem then put '$$part = "eval"; $$unit = $$line' then cut -o -f stem,part,line,unit $< > $@
	@test "$$(mlr --icsv --onidx count-distinct -f stem then count-distinct -f count $@ | wc -l)" = 1 || \
	  { echo "$(TEXT): files have different numbers of lines, so they are not parallel" >&2; exit 1; }
endif

# ---- 2. premium: paragraphs that say the same, in pairs with the reference's

$(DIR)/pairing.csv: $(INDEX)/lines.csv
	mlr --csv filter '$$part == "eval" && is_not_empty($$unit)' then cut -f stem,line,unit $< > $@

$(DIR)/units-%.csv: $(DIR)/lines-%.csv $(DIR)/pairing.csv
	mlr --csv rename lang,stem then join -j stem,line -f $(DIR)/pairing.csv \
	  then stats1 -a sum -f tokens -g stem,unit then rename tokens_sum,tokens $< > $@

$(DIR)/pairs-%.csv: $(DIR)/units-%.csv
	mlr --csv filter '$$stem == "$(REFERENCE)"' then rename tokens,reference then cut -f unit,reference $< | \
	  mlr --csv join -j unit -f /dev/stdin then filter '$$stem != "$(REFERENCE)"' $< > $@

$(DIR)/intervals-%.csv: $(DIR)/pairs-%.csv $(call program,BOOTSTRAP)
	$(RUN) $(BOOTSTRAP) --stat=ratio-of-sums --x=tokens --y=reference --by=stem --resamples=$(RESAMPLES) --interval=bca \
	  --seed=$(SEED) --threads=$(THREADS) $< > $@

$(DIR)/premium-%.csv: $(DIR)/intervals-%.csv $(INDEX)/languages.csv pipelines/data/scripts.csv
	mlr --csv cut -o -f stem,n,estimate,low,high then rename n,pairs,estimate,premium \
	  then put 'end { emit1 {"stem": "$(REFERENCE)", "premium": 1} }' then unsparsify \
	  then join -j stem -f $(INDEX)/languages.csv then join -j script -f pipelines/data/scripts.csv \
	  then cut -o -f stem,name,script,script_name,family,study_code,pairs,premium,low,high then sort -nr premium $< > $@

# Tokens a word and bytes a token, and a name for the worst of each family of scripts in either
EFFICIENCY := tokens,words,fertility,bytes_per_token,chars_per_token,continued_words,single_byte_share
$(DIR)/fertility-%.csv: $(DIR)/efficiency-%.csv $(INDEX)/languages.csv pipelines/data/scripts.csv $(HOW)/first.mlr
	mlr --csv rename lang,stem then cut -f stem,$(EFFICIENCY) \
	  then join -j stem -f $(INDEX)/languages.csv then join -j script -f pipelines/data/scripts.csv \
	  then cut -o -f stem,name,script,family,$(EFFICIENCY) \
	  then sort -f family -nf bytes_per_token then put -s label=shortest -f $(HOW)/first.mlr \
	  then sort -f family -nr fertility then put -s label=dearest -f $(HOW)/first.mlr then reorder -f dearest,shortest $< > $@

# ---- 3. by script

# Row by row: each language under each tokenizer, without the reference itself
$(DIR)/premium.csv: $(TOKENIZERS:%=$(DIR)/premium-%.csv)
	mlr --csv put '$$tokenizer = gsub(FILENAME, ".*/premium-|[.]csv$$", "")' then filter '$$stem != "$(REFERENCE)"' \
	  then put '$$latin = $$script == "Latn" ? "Latin" : "other"' then reorder -f tokenizer $^ > $@

$(DIR)/premium-by-script.csv: $(DIR)/premium.csv
	mlr --csv stats1 -i -a count,p50,min,max -f premium -g tokenizer,family,script,script_name \
	  then rename -r '^premium_(.*)$$,\1' then rename p50,median then sort -f tokenizer -nr median $< > $@

$(DIR)/premium-by-family.csv: $(DIR)/premium.csv
	mlr --csv stats1 -i -a count,p50,min,max -f premium -g tokenizer,family \
	  then rename -r '^premium_(.*)$$,\1' then rename p50,median then sort -f tokenizer -nr median $< > $@

# How much more languages in other scripts pay than those in Latin script: means of the two groups, and their medians
$(DIR)/latin.csv: $(DIR)/premium.csv $(call program,BOOTSTRAP)
	$(RUN) $(BOOTSTRAP) --stat=ratio-mean,diff-median --x=premium --group=latin --groups=other,Latin --by=tokenizer --interval=bca \
	  --resamples=$(RESAMPLES) --seed=$(SEED) --threads=$(THREADS) $< > $@

# ---- 4. the two tokenizers, BLOOM's own, and the published damage (where the text has some of its 14 languages)

RECORDED := $(if $(INDEXED),yes,$(word 4,$(filter $(shell tail -n +2 pipelines/data/lang-covariates.csv | cut -d, -f1),$(STEMS))))

# With a name for the dearest of each family of scripts, if above 2, and for those that pay less under the first
$(DIR)/two-tokenizers.csv: $(DIR)/premium.csv $(HOW)/first.mlr $(HOW)/sides.mlr
	mlr --csv cut -f tokenizer,stem,name,family,study_code,premium then put '$$tokenizer = "premium_" . $$tokenizer' \
	  then reshape -s tokenizer,premium then sort -f family -nr premium_$(FIRST) \
	  then put -s label=label -f $(HOW)/first.mlr \
	  then put '$$label = $${premium_$(FIRST)} < $${premium_$(SECOND)} ? $$name : $${premium_$(FIRST)} > 2 ? $$label : ""' \
	  then put -q -s x=premium_$(FIRST) -s y=premium_$(SECOND) -f $(HOW)/sides.mlr then reorder -f side,label $< > $@

$(DIR)/two-tokenizers-rank.csv: $(DIR)/two-tokenizers.csv $(call program,CORR)
	$(CORR) --x=premium_$(FIRST) --y=premium_$(SECOND) --method=spearman,pearson $< > $@

# The 14 languages of the published study, the reference among them: its premium is 1
$(DIR)/premium-and-damage.csv: $(TOKENIZERS:%=$(DIR)/premium-%.csv) pipelines/data/lang-covariates.csv \
		pipelines/data/lang-degradation.csv
	mlr --csv filter 'is_not_empty($$study_code)' then rename study_code,lang then cut -f lang,family,premium \
	  then put '$$tokenizer = "premium_" . gsub(FILENAME, ".*/premium-|[.]csv$$", "")' then reshape -s tokenizer,premium \
	  then join -j lang -f pipelines/data/lang-covariates.csv then join -j lang -f pipelines/data/lang-degradation.csv \
	  then rename bloom_premium,premium_bloom \
	  then cut -r -f '^(lang|name|latin|family|degradation|premium_.*)$$' then sort -nf degradation -f lang \
	  $(filter $(DIR)/%,$^) > $@

PREMIUMS := $(subst $() ,$(,),$(TOKENIZERS:%=premium_%))
$(DIR)/damage-correlations.csv: $(DIR)/premium-and-damage.csv $(call program,CORR)
	$(CORR) --x=$(PREMIUMS),premium_bloom --y=degradation --method=pearson,spearman $< > $@

$(DIR)/damage-correlations-given-script.csv: $(DIR)/premium-and-damage.csv $(call program,CORR)
	$(CORR) --x=$(PREMIUMS),premium_bloom --y=degradation --given=latin $< > $@

# Do the two rank languages as BLOOM's own tokenizer does on another text?
$(DIR)/rank-as-bloom.csv: $(DIR)/premium-and-damage.csv $(call program,CORR)
	$(CORR) --x=$(PREMIUMS) --y=premium_bloom --method=spearman,kendall $< > $@

# ---- 5. figures, and what they say

SHARED := shared=$(HOW)/families.gp known=$(HOW)/tokenizers.csv \
	index=$(INDEX)/languages.csv reference=$(REFERENCE)
one_tokenizer = $(eval $(call figure,$(1)-$(2),$(HOW)/$(1).gp,csv=$(DIR)/$(1)-$(2).csv tokenizer=$(2) $(SHARED)))
$(foreach t,$(TOKENIZERS),$(call one_tokenizer,premium,$(t))$(call one_tokenizer,fertility,$(t)))
$(eval $(call figure,two-tokenizers,$(HOW)/two-tokenizers.gp,csv=$(DIR)/two-tokenizers.csv \
	rank=$(DIR)/two-tokenizers-rank.csv first=$(FIRST) second=$(SECOND) $(SHARED)))
$(if $(RECORDED),$(eval $(call figure,premium-and-damage,$(HOW)/premium-and-damage.gp,csv=$(DIR)/premium-and-damage.csv \
	r=$(DIR)/damage-correlations.csv $(SHARED))))

TOLD := premium latin premium-by-family two-tokenizers-rank \
	$(if $(RECORDED),rank-as-bloom damage-correlations damage-correlations-given-script)
$(DIR)/findings.txt: $(HOW)/findings.awk $(HOW)/tokenizers.csv $(INDEX)/languages.csv $(TOLD:%=$(DIR)/%.csv)
	awk -F, -v reference=$(REFERENCE) -f $^ > $@
findings: $(DIR)/findings.txt $(DIR)/premium-by-script.csv
	@cat $<
	@echo; echo "figures: $(OUT)/figures   tables: $(DIR)"
