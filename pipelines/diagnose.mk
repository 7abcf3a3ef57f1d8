# diagnose.mk - one page: which languages will the planned quantisation hurt, how sure is that, and what to do instead?
# SPDX-License-Identifier: GPL-3.0-or-later
#
#   make diagnose MODEL=bloom-560m                            4 bits by channel, on the Declaration of Human Rights
#   make diagnose MODEL=bloom-560m TEXT=flores/devtest STEMS="eng tha fin" BITS=3 PER=group:128
#   make diagnose MODEL=bloom-560m BUDGET=3.5 PROTECT=tha     a recipe of 3.5 bits a weight in which Thai counts TIMES over
#   make diagnose MODEL=bloom-560m PREDICT=1                  from the model as it is, nothing run quantised
#   make diagnose MODEL=b PREDICT=1 CALIBRATION=DIR/prediction.csv      with the scale of a model that was measured
#
# Measured: damage of the plan, in the units of DAMAGE, on all lines; 95 % intervals from drawing lines. Decided beforehand:
# a language is hurt if its interval lies above LIMIT, spared if it lies below, unclear else; broken if the rounded model is
# worse than guessing. The recipe is chosen from odd lines (each part quantised alone) and judged on even ones, lines of equal
# text on one side, against the plan and, of its own bytes to the byte: its widths put by llama.cpp's rule of position, and put
# at random. It helps if the interval of what it takes off the worst-off language's damage lies above 0, and is no luck if no
# random one does as well. GPTQ at the plan's width, calibrated on the odd lines with all languages alike, is judged beside it.
# Of the two that help GPTQ is named if it is shown to be better than the recipe, which is simpler: it only rounds.
include pipelines/lib.mk
.DEFAULT_GOAL := page
# Two steps at a time unless -j says otherwise: where the threads of one wait for each other, the other works
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j2
endif

MODEL     ?= $(error MODEL is not set: a directory with config.json, the weights and tokenizer.json)
TOKENIZER ?= $(MODEL)
DECLARATION := pipelines/data/udhr/eval
TEXT      ?= $(DECLARATION)
VOLUME    ?= $(wildcard $(MODEL)/languages.csv)
THERE     := $(basename $(notdir $(wildcard $(TEXT)/*.txt)))
TRAINED   := $(if $(VOLUME),$(filter $(THERE),$(shell mlr --icsv --onidx cut -f lang $(VOLUME))))
STEMS     ?= $(or $(TRAINED),$(if $(filter $(DECLARATION),$(TEXT)),eng fra deu_1996 vie rus cmn_hans tur fin kor heb tha hin jpn arb,$(THERE)))
BITS      ?= 4
PER       ?= channel
CLIP      ?= minmax
PLAN      := bits=$(BITS),per=$(PER),clip=$(CLIP)
MENU      ?= $(filter 2 3 4 5 6 7 8,$(shell echo $$(($(BITS) - 1)) $(BITS) $$(($(BITS) + 1))))#  widths to choose from
PART      ?= layer#                       what gets a width of its own: layer role matrix
BUDGET    ?=#                             bits a weight of the recipe; as many bytes as the plan if empty
PROTECT   ?=#                             languages whose damage counts TIMES over in the recipe
TIMES     ?= 4
DRAWS     ?= 5#                           random recipes
GPTQ      ?= yes#                         empty: leave it out
DAMAGE    ?= delta_bits_per_byte#         or delta_nll kl
LIMIT     ?= 0.02#                        damage beyond which a language is hurt
CONTEXT   ?=#                             tokens at once; the programs' own choice if empty
START     ?= auto
RESAMPLES ?= 2000
SEED      ?= 1
PREDICT   ?=
CALIBRATION ?=

SENS ?= sens
BITALLOC ?= bitalloc
PPL ?= ppl
WQUANT ?= wquant
MODELCAT ?= modelcat
CONFIG := $(MODEL)/config.json
MODEL_FILES := $(call model_files,$(MODEL))

# What is given is looked at before anything runs
$(if $(wildcard $(CONFIG)),,$(error MODEL=$(MODEL): there is no $(CONFIG)))
$(if $(filter-out %.json,$(MODEL_FILES)),,$(error MODEL=$(MODEL): it has no weights, .safetensors or .bin))
$(if $(STEMS),,$(error $(TEXT): no .txt files, one a language))
quoted = '$(subst ','\'',$(1))'
$(if $(shell printf '%s' $(call quoted,$(STEMS) $(TEXT) $(MODEL) $(PROTECT)) | tr -d 'A-Za-z0-9_.+:@/ -'),$(error names \
	of languages and folders may have letters, digits and _.+:@- only))
$(if $(filter-out $(THERE),$(STEMS)),$(error $(TEXT): there is no $(patsubst %,%.txt,$(filter-out $(THERE),$(STEMS)))))
$(if $(filter-out $(STEMS),$(PROTECT)),$(error PROTECT: $(filter-out $(STEMS),$(PROTECT)) is not among the languages: $(STEMS)))
# $(call must,KNOB,PATTERN,WHAT): the knob has to be WHAT
must   = $(if $(shell printf '%s\n' $(call quoted,$(strip $($(1)))) | grep -Ex '$(2)'),,$(error $(1)='$($(1))': has to be $(3)))
number := ([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?
$(call must,LIMIT,$(number),a number from 0)
$(call must,TIMES,[1-9][0-9]*([.][0-9]*)?,a number from 1)
$(if $(BUDGET),$(call must,BUDGET,$(number),bits a weight))
$(call must,DRAWS,[0-9]+,a whole number)
$(call must,RESAMPLES,[1-9][0-9]+,a whole number from 10)
$(call must,SEED,[0-9]+,a whole number)
$(call must,DAMAGE,delta_bits_per_byte|delta_nll|kl,delta_bits_per_byte$(,) delta_nll or kl)
$(call must,PART,layer|role|matrix,layer$(,) role or matrix)
$(call must,BITS,[2-8],2 to 8)
$(call must,MENU,([2-8]|16)( +([2-8]|16))*,widths from 2 to 8$(,) or 16)
$(if $(filter $(BITS),$(MENU)),,$(error MENU has to have the $(BITS) of BITS))
$(if $(CALIBRATION),$(if $(wildcard $(CALIBRATION)),,$(error CALIBRATION=$(CALIBRATION): there is no such file)))

# A long list of what was swapped would not do as a file's name
fit = $(shell s='$(1)'; [ $${#s} -le 80 ] && echo "$$s" || echo "_$$(printf '%s' "$$s" | sha256sum | cut -c 1-12)")
words_of = $(subst $() ,-,$(strip $(1)))
DIR   := $(OUT)/diagnose/$(call fit,$(call slug,$(MODEL)))_$(call slug,$(PLAN))_menu-$(call words_of,$(MENU))_$(PART)$(BUDGET:%=_budget-%)$(if \
	$(PROTECT),_protect-$(call words_of,$(PROTECT))-$(TIMES))_$(DAMAGE)_limit-$(LIMIT)_draws-$(DRAWS)_$(RESAMPLES)-seed-$(SEED)$(if \
	$(CONTEXT),_context-$(CONTEXT))$(if $(filter-out auto,$(START)),_start-$(call slug,$(START)))$(if $(GPTQ),,_no-gptq)$(if $(PREDICT),_predict)$(call \
	fit,$(if $(CALIBRATION),_by-$(call slug,$(CALIBRATION)))$(call swapped,STEMS TEXT TOKENIZER CLIP SENS BITALLOC PPL WQUANT BOOTSTRAP CORR))
$(shell mkdir -p $(DIR)/choose $(DIR)/judge)
HOW   := pipelines/diagnose
FILES := $(STEMS:%=$(TEXT)/%.txt)
QUANTS := $(foreach b,$(MENU),--quant=bits=$(b),per=$(PER),clip=$(CLIP))
RUNNING := --tokenizer=$(TOKENIZER) --start='$(START)' $(CONTEXT:%=--context=%) --threads=$(THREADS)
comma  = $(subst $() ,$(,),$(strip $(1)))
PARALLEL := $(shell test "$$(wc -l $(FILES) | awk '$$2 != "total" { print $$1 }' | sort -u | wc -l)" = 1 && echo yes)
RESAMPLE := $(RUN) $(BOOTSTRAP) --stat=ratio-of-sums --x=sum --y=weight --interval=percentile --resamples=$(RESAMPLES) --seed=$(SEED) \
	--threads=$(THREADS) $(if $(PARALLEL),,--separate-draws)
# Lines of ppl with their damage as a sum and what divides it, so that languages are ratios of sums
WEIGH := filter '$$tokens > 0 && is_not_empty($${$(DAMAGE)})' \
	then put '$$weight = "$(DAMAGE)" == "delta_bits_per_byte" ? $$bytes : $$tokens; $$sum = $${$(DAMAGE)} * $$weight'

.PHONY: page
page: $(DIR)/page.html
	@sed -n 's/<[^>]*>//g; /^Verdict: /p' $(DIR)/verdict.txt
	@echo "page: $<"

# ---- 1. text: odd lines choose, even lines judge

CHOOSE := $(STEMS:%=$(DIR)/choose/%.txt)
JUDGE  := $(STEMS:%=$(DIR)/judge/%.txt)
$(call together,$(CHOOSE) $(JUDGE) $(DIR)/split.csv) &: $(FILES) $(HOW)/split.awk
	awk -v dir=$(DIR) -v parallel=$(PARALLEL) -f $(HOW)/split.awk $(FILES)

# ---- 2. each part alone; what the model as it is tells of that

SENSING = $(RUN) $(SENS) --model=$(MODEL) $(QUANTS) --part=$(PART) $(RUNNING)
ifneq ($(PREDICT),)
$(DIR)/sens.csv: $(MODEL_FILES) $(CHOOSE) $(call program,SENS)
	$(SENSING) --predict-only $(CHOOSE) > $@
else
$(DIR)/sens-lines.csv: $(MODEL_FILES) $(CHOOSE) $(call program,SENS)
	$(SENSING) --by=line $(CHOOSE) > $@
$(DIR)/sens.csv: $(DIR)/sens-lines.csv $(HOW)/by-lang.mlr
	mlr --csv put -q -f $(HOW)/by-lang.mlr $< > $@
endif
# A budget that cannot be met is said before the long steps: sizes take one line of text
$(if $(BUDGET),$(eval $(DIR)/sens.csv $(DIR)/sens-lines.csv $(DIR)/lines.csv: | $(DIR)/budget.csv))
$(DIR)/budget.csv: $(firstword $(FILES)) $(MODEL_FILES) $(call program,SENS BITALLOC)
	awk 'length > length(most) { most = $$0 } END { print most }' $< | \
	  $(RUN) $(SENS) --model=$(MODEL) $(QUANTS) --part=$(PART) $(RUNNING) --predict-only --quiet | \
	  $(BITALLOC) --bits=$(BUDGET) --damage=relative_output_error --quiet > $@
COST = $(if $(PREDICT),relative_output_error,$(DAMAGE))

# Under the plan each part's damage by language, with intervals; of all languages' text, and how often it is the largest
BLAME := mlr --csv filter '$$quant == "$(PLAN)" && $$part != "all"' then $(WEIGH) then cut -o -f part,lang,line,weight,sum
$(DIR)/blame.csv: $(DIR)/sens-lines.csv $(call program,BOOTSTRAP)
	$(BLAME) $< | $(RESAMPLE) --by=part,lang > $@
$(DIR)/blame-parts.csv: $(DIR)/sens-lines.csv $(call program,BOOTSTRAP)
	$(BLAME) $< | $(RESAMPLE) $(PARALLEL:yes=--cluster=line) --by=part --samples=$(DIR)/blame-draws.csv > $(DIR)/blame-all.csv
	mlr --csv join --ul -j part -f $(DIR)/blame-all.csv then unsparsify then sort -f part \
	  <(mlr --csv filter 'is_not_empty($$value)' then top -n 1 -f value -g replicate -a then count -g part -o first $(DIR)/blame-draws.csv) > $@

# ---- 3. recipes: for the worst off, for the mean, and the first's widths put otherwise

ALLOTTING = $(BITALLOC) $(if $(BUDGET),--bits=$(BUDGET),--like=$(PLAN)) --damage=$(COST) $(if $(PROTECT),--protect=$(call \
	comma,$(PROTECT)) --times=$(TIMES)) --quiet
$(call together,$(DIR)/recipe-worst.csv $(DIR)/expected-worst.csv) &: $(DIR)/sens.csv $(call program,BITALLOC)
	$(ALLOTTING) --objective=worst --report=$(DIR)/expected-worst.csv --output=$(DIR)/recipe-worst.csv $<
$(DIR)/recipe-mean.csv: $(DIR)/sens.csv $(call program,BITALLOC)
	$(ALLOTTING) --objective=mean $< > $@
$(DIR)/recipe-position.csv: $(DIR)/recipe-worst.csv $(DIR)/sens.csv $(HOW)/elsewhere.awk
	awk -v by=position -f $(HOW)/table.awk -f $(HOW)/elsewhere.awk $(DIR)/sens.csv $< > $@
$(DIR)/recipe-random-%.csv: $(DIR)/recipe-worst.csv $(DIR)/sens.csv $(HOW)/elsewhere.awk
	awk -v by=random -v seed=$(SEED) -v draw=$* -f $(HOW)/table.awk -f $(HOW)/elsewhere.awk $(DIR)/sens.csv $< > $@
RANDOM_ARMS := $(if $(filter-out 0,$(DRAWS)),$(addprefix random-,$(shell seq $(DRAWS))))
ARMS  := worst mean position $(RANDOM_ARMS)

# ---- 4. measured: the plan and its neighbours on all lines, recipes and GPTQ on even ones

$(DIR)/lines.csv: $(MODEL_FILES) $(FILES) $(call program,PPL)
	$(RUN) $(PPL) --model=$(MODEL) $(QUANTS) --by=line $(RUNNING) $(FILES) > $@
$(DIR)/arm-lines.csv: $(MODEL_FILES) $(ARMS:%=$(DIR)/recipe-%.csv) $(JUDGE) $(call program,PPL)
	$(RUN) $(PPL) --model=$(MODEL) $(ARMS:%=--quant=recipe=$(DIR)/recipe-%.csv) --by=line $(RUNNING) $(JUDGE) > $@

# GPTQ at the width that recipes are held against. Each layer is calibrated on what the rounded ones before it give, so that
# the moments of one layer are in memory: those of all would take 27 GB for 14 languages and BLOOM-560M.
GPTQ_BITS = $(if $(BUDGET),$$(mlr --icsv --onidx head -n 1 then put '$$against = $$against == "plan" ? $(BITS) : sub($$against$(,) "bits-"$(,) "")' \
  then cut -f against $(DIR)/sizes.csv),$(BITS))
GPTQING = --per=$(PER) --clip=$(CLIP) --method=gptq --mix=balanced --calibrate=$(call comma,$(CHOOSE)) --tokenizer=$(TOKENIZER) $(CONTEXT:%=--context=%)
$(DIR)/gptq.t: $(MODEL_FILES) $(CHOOSE) $(if $(BUDGET),$(DIR)/sizes.csv) $(call program,MODELCAT WQUANT)
	$(RUN) $(MODELCAT) --compress=0 $(MODEL) > $(DIR)/model.t
	$(RUN) $(WQUANT) --bits=$(GPTQ_BITS) $(GPTQING) --threads=$(THREADS) --output=$@ $(DIR)/model.t
	rm $(DIR)/model.t
$(DIR)/gptq-lines.csv: $(DIR)/gptq.t $(JUDGE) $(call program,PPL)
	$(RUN) $(PPL) --model=$< --against=$(MODEL) --by=line $(RUNNING) $(JUDGE) > $@

# Lines of all widths; of even lines, by arm: the plan, other widths as bits-N, recipes
$(DIR)/nats.csv: $(DIR)/lines.csv
	mlr --csv $(WEIGH) then cut -o -f quant,lang,line,tokens,ref_nll,nll,weight,sum $< > $@
$(DIR)/arm-nats.csv: $(DIR)/split.csv $(DIR)/lines.csv $(DIR)/arm-lines.csv $(if $(GPTQ),$(DIR)/gptq-lines.csv)
	mlr --csv unsparsify --fill-with recipe-gptq -f quant \
	  then put -S '$$arm = gsub($$quant, ".*/recipe-|^recipe-|[.]csv$$", ""); if ($$quant == "$(PLAN)") { $$arm = "plan" }' \
	  then put -S '$$arm = gsub(sub($$arm, "^bits=", "bits-"), ",.*", "")' \
	  then $(WEIGH) then cut -o -f arm,lang,line,weight,sum \
	  <(mlr --csv join -j lang,line -f $< then filter '$$side == "judge"' $(DIR)/lines.csv) $(filter-out $< $(DIR)/lines.csv,$^) > $@

$(call together,$(DIR)/damage.csv $(DIR)/damage-draws.csv) &: $(DIR)/nats.csv $(call program,BOOTSTRAP)
	$(RESAMPLE) --by=quant,lang --samples=$(DIR)/damage-draws.csv $< > $(DIR)/damage.csv
$(call together,$(DIR)/arms.csv $(DIR)/arms-draws.csv) &: $(DIR)/arm-nats.csv $(call program,BOOTSTRAP)
	$(RESAMPLE) --by=arm,lang --samples=$(DIR)/arms-draws.csv $< > $(DIR)/arms.csv

# What each arm takes; what recipes are held against: the plan or, with a budget, the widest of the menu that is within it
$(DIR)/sizes.csv: $(HOW)/sizes.mlr $(DIR)/sens.csv $(DIR)/expected-worst.csv $(ARMS:%=$(DIR)/recipe-%.csv)
	mlr --csv put -q -s plan=$(PLAN) -s budget=$(BUDGET) -s gptq=$(GPTQ) -f $^ > $@
# An arm's mean over languages and worst-off language; what it takes off that of what it is held against, draw by draw
$(DIR)/judged.csv: $(DIR)/sizes.csv $(DIR)/arms.csv $(DIR)/arms-draws.csv $(HOW)/judged.mlr $(HOW)/worst-draws.mlr
	mlr --csv stats1 -a max,mean -f value -g arm,replicate then reshape -i value_max,value_mean -o what,value \
	  then put '$$key = $$arm . ":" . $$what' then cut -o -f replicate,key,value then reshape -s key,value \
	  then put -q -s against=$$(mlr --icsv --onidx head -n 1 then cut -f against $<) -f $(HOW)/worst-draws.mlr \
	  then stats1 -i -a p2.5,p97.5 -f worst,less,recipe_less,mean -g arm $(DIR)/arms-draws.csv > $(DIR)/arm-intervals.csv
	mlr --csv put -q -f $(HOW)/judged.mlr $(DIR)/arm-intervals.csv $(DIR)/arms.csv $< > $@

# ---- 5. had it only been predicted: relative output error, mean over parts, for a byte (or token) like the damage

$(DIR)/index.csv: $(DIR)/sens.csv
	mlr --csv filter '$$quant == "$(PLAN)" && $$part != "all"' \
	  then put '$$index = $$relative_output_error * ("$(DAMAGE)" == "delta_bits_per_byte" ? $$tokens / $$bytes : 1)' \
	  then stats1 -a mean -f index -g lang then rename index_mean,index $< > $@
$(DIR)/prediction.csv: $(DIR)/index.csv $(DIR)/levels.csv $(HOW)/leave-one-out.mlr
	mlr --csv join -j lang -f $(DIR)/index.csv then put -q -f $(HOW)/leave-one-out.mlr $(DIR)/levels.csv > $@
$(DIR)/prediction-rank.csv: $(DIR)/prediction.csv $(call program,CORR)
	$(CORR) --method=spearman --x=index --y=measured $< > $@

# ---- 6. the verdict and the page

$(DIR)/levels.csv: $(HOW)/levels.mlr $(if $(PREDICT),$(DIR)/index.csv $(CALIBRATION),$(DIR)/lines.csv $(DIR)/damage.csv \
    $(DIR)/damage-draws.csv)
	mlr --csv put -q -s plan=$(PLAN) -s limit=$(LIMIT) -f $(HOW)/levels.mlr \
	  then sort -nr order -f lang then cut -x -f order $(filter-out $<,$^) > $@

COMMAND = make diagnose MODEL=$(MODEL) TEXT=$(TEXT) STEMS="$(strip $(STEMS))" BITS=$(BITS) PER=$(PER) CLIP=$(CLIP) \
  MENU="$(strip $(MENU))" PART=$(PART)$(BUDGET:%= BUDGET=%)$(if $(PROTECT), PROTECT="$(strip $(PROTECT))" TIMES=$(TIMES)) DAMAGE=$(DAMAGE) \
  LIMIT=$(LIMIT) DRAWS=$(DRAWS) GPTQ=$(GPTQ) RESAMPLES=$(RESAMPLES) SEED=$(SEED)$(CONTEXT:%= CONTEXT=%)$(PREDICT:%= PREDICT=%)$(CALIBRATION:%= CALIBRATION=%)

# What a model's directory needs beside the weights
HANDED := $(wildcard $(addprefix $(MODEL)/,config.json generation_config.json special_tokens_map.json added_tokens.json vocab.json vocab.txt \
  merges.txt *.model chat_template.jinja)) $(wildcard $(TOKENIZER)/tokenizer*.json $(filter %.json,$(TOKENIZER)))
# What it was made from: name, value
$(DIR)/history.csv: $(DIR)/sens.csv $(DIR)/split.csv $(FILES) $(MODEL_FILES)
	{ echo name,value; \
	  put() { printf '%s,"%s"\n' "$$1" "$${2//\"/\"\"}"; }; \
	  put model '$(MODEL)'; put plan '$(PLAN)'; put text '$(TEXT)'; put damage '$(DAMAGE)'; put limit '$(LIMIT)'; \
	  put menu '$(MENU)'; put part '$(PART)'; put budget '$(BUDGET)'; put protect '$(PROTECT)'; put times '$(TIMES)'; \
	  put draws '$(DRAWS)'; put resamples '$(RESAMPLES)'; put seed '$(SEED)'; put predict '$(PREDICT)'; put parallel '$(PARALLEL)'; \
	  put calibration '$(CALIBRATION)'; put directory '$(DIR)'; put context '$(CONTEXT)'; put start '$(START)'; \
	  put version "$$($(SENS) --version)"; put handed '$(strip $(HANDED))'; put gptqing '$(GPTQING)'; \
	  put model_type "$$(mlr --ijson --onidx cut -f model_type $(CONFIG))"; \
	  awk -F, 'NR > 1 { n[$$3]++; n["repeated"] += $$4 } END { for (k in n) print k "," n[k] }' $(DIR)/split.csv | sort; \
	  put lines "$$(cat $(FILES) | wc -l)"; put bytes "$$(cat $(FILES) | wc -c)"; \
	  put text_sha256 "$$(cat $(FILES) | sha256sum | cut -c 1-64)"; \
	  put config_sha256 "$$(sha256sum < $(CONFIG) | cut -c 1-64)"; \
	  put weights_sha256 "$$(cat $(sort $(filter-out $(CONFIG),$(MODEL_FILES))) /dev/null | sha256sum | cut -c 1-64)"; \
	  put command '$(COMMAND)'; } > $@

LANGUAGES := pipelines/corpus/languages.csv
TABLES := history levels sens index recipe-worst $(if $(PREDICT),,expected-worst blame blame-parts damage judged arms prediction prediction-rank)
PAGE   := $(HOW)/table.awk $(HOW)/svg.awk $(HOW)/verdict.awk
$(DIR)/verdict.txt: $(TABLES:%=$(DIR)/%.csv) $(PAGE) $(HOW)/words.awk
	awk -v dir=$(DIR) -v names=$(LANGUAGES) $(PAGE:%=-f %) -f $(HOW)/words.awk > $@
$(DIR)/page.html: $(TABLES:%=$(DIR)/%.csv) $(PAGE) $(HOW)/page.awk $(DIR)/verdict.txt $(HOW)/page.css
	awk -v dir=$(DIR) -v names=$(LANGUAGES) -v css=$(HOW)/page.css $(PAGE:%=-f %) -f $(HOW)/page.awk > $@
