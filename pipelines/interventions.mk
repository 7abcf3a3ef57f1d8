# interventions.mk - does repairing the weights help the languages that rounding hurts, and does it help more than chance?
# SPDX-License-Identifier: GPL-3.0-or-later
#
#   make -f pipelines/interventions.mk MODEL=bloom-560m                         every arm, on the Declaration of Human Rights
#   make -f pipelines/interventions.mk MODEL=bloom-560m ARMS_CSV=mine.csv       other arms: a table like interventions/arms.csv
#   make -f pipelines/interventions.mk MODEL=bloom-560m planted                 the same model, with outliers planted
#   make -f pipelines/interventions.mk MODEL=... TEXT=flores/devtest CALIB=flores/dev BITS=4 PER=group:128
#
# An arm is a row of ARMS_CSV: whose weights, with which options of wquant. All arms have the same size, BITS a weight, counted
# to the byte from what was rounded, codes and scales: a layer with more bits is paid for by others with one bit less. What an
# arm needs to know (which layers cost most, what the matrices multiply) it learns on CALIB, of which no line is in TEXT. A row
# whose name ends in % is a control, drawn DRAWS times: as many bytes as the arms that name it, spent at random.
#
# What is drawn is what an arm chooses: a rule for each matrix, layers, weights of languages, whose model a language gets (as many
# models), scales of channels (equalise and AWQ choose these). Rotation chooses nothing, so there is no chance for it to beat;
# noise-turned, Gauss noise as large as its errors in every output channel, tells whether it helps by the size of these alone.
#
# Damage of a language: bits a byte that the model needs more than unrounded. Of an arm: the mean over languages, the worst
# language, max - min, standard deviation, Gini's coefficient (only if no language gains). Intervals draw paragraphs, 95 %; line i
# of all languages together where the text is parallel; the same draws for every arm, so differences are of pairs.
#
# Fixed before looking at the models that are measured now: settled on models trained on 3.9 million tokens, and applied unchanged
# to those trained afterwards. In sight of that earlier run were changed: what AWQ, rotate and gptq-matched are held against, the
# words for repairs that do not beat chance, which controls tell nothing, and when the key question can be asked. An arm
#   repairs       if it takes no more bytes than plain; the interval of its worst language's damage less plain's lies below 0; and
#                 that of its mean less plain's ends below MARGIN times plain's mean
#   beats chance  if the interval of its worst language's damage less the mean of its control's lies below 0, and fewer than one in
#                 twenty of control and arm are as good (20 draws: none of them)
#   (no test)     if no draw of its control is better for the worst language than plain: whatever repairs is better than these, so
#                 the control tells nothing, and the arm is not counted as one that beats chance
# An arm that repairs without beating chance owes it to what its control does as well (GPTQ, whatever the languages weigh): what it
# chooses repairs nothing. With no true effect one arm in forty repairs: read one of many so.
#
# The seeds' questions, the rule of each in interventions/questions.mk: FFN or attention, early or late; which layers for which
# kind of language; can mixed precision restore equity; does one's own language calibrate best; does fixing the outlier pattern
# reduce the damage.
STUDY     := interventions
BITS      ?= 3#                  at 4 bits a small model loses too little to tell arms apart
CALIB     ?= pipelines/data/udhr/calib
ARMS_CSV  ?= pipelines/interventions/arms.csv
DRAWS     ?= 20#                 of each control, or fewer where ARMS_CSV says so
HIGH      ?= 8#                  bits of a protected layer
ROTATE    ?= 32
RESCALED  ?= --pair=vo,norm-attn,norm-mlp --channels=16 --factor=2
MARGIN    ?= 0.05
RESAMPLES ?= 2000
JOBS      ?= $(if $(filter 1 2 3,$(THREADS)),$(THREADS),4)#    steps at once where make is given no -j; as many models are in memory
WQUANT    ?= wquant
PLANT     ?= plant
SENS      ?= sens
BITALLOC  ?= bitalloc
STEPS     := ARMS_CSV CALIB RESCALED WQUANT PLANT SENS BITALLOC
KNOBS     := _high-$(strip $(HIGH))_rotate-$(strip $(ROTATE))_margin-$(strip $(MARGIN))_draws-$(strip $(DRAWS))
include pipelines/predictors/knobs.mk
HOW       := pipelines/interventions
FIGURES   := $(OUT)/figures/$(notdir $(abspath $(MODEL)))
RECIPES   := $(DIR)/recipes
MOMENTS   := $(DIR)/moments.t
CALIBS    := $(STEMS:%=$(CALIB)/%.txt)
FEWER     := $(shell expr $(BITS) - 1)
MORE      := $(shell expr $(BITS) + 1)
MOST      := $(shell expr $(BITS) + 2)
MIX       ?= $(sort $(FEWER) $(BITS) $(MORE) $(MOST) $(HIGH))#      widths that mixed precision chooses from
# Arms side by side on the threads that there are; under a launcher each step has THREADS
EACH      ?= $(if $(RUN),$(THREADS),$(shell echo $$(($(THREADS) >= $(JOBS) ? $(THREADS) / $(JOBS) : 1))))
$(if $(filter 0,$(MAKELEVEL)),$(eval MAKEFLAGS += --jobs=$(JOBS)))
$(shell mkdir -p $(DIR)/arms $(RECIPES))
$(if $(filter 3 4 5 6 7,$(BITS)),,$(error BITS=$(BITS): 3 to 7, so that a layer can have one more or less))

include $(DIR)/arms.mk
$(DIR)/arms.mk: $(HOW)/arms.mlr $(ARMS_CSV)
	@mlr --icsv --onidx put -q -s draws=$(DRAWS) -s seed=$(SEED) -s langs="$(STEMS)" -f $^ > $@

# ---- 1. the weights that arms start from

$(DIR)/model.t: $(MODEL_FILES) $(call program,MODELCAT)
	$(RUN) $(MODELCAT) --compress=0 $(MODEL) > $@
$(DIR)/equalised.t: $(MODEL_FILES) $(call program,PLANT)
	$(RUN) $(PLANT) --equalise --compress=0 $(MODEL) > $@
$(DIR)/rescaled-%.t: $(DIR)/score-kurtosis.csv $(call program,PLANT)
	$(RUN) $(PLANT) --layer=0-$$(($$(wc -l < $<) - 2)) $(RESCALED) --seed=$* --compress=0 $(MODEL) > $@

# ---- 2. what they learn on CALIB

$(DIR)/disjoint.txt: $(FILES) $(CALIBS)
	awk 'calib && NF && $$0 in text { n++; if (n < 4) print "calibration text in the test text: " FILENAME ": " $$0 > "/dev/stderr" } \
	  !calib { text[$$0]; lines++ } calib && NF { seen++ } END { print seen " lines of calibration text, none of them among the " lines " lines of test text"; exit n > 0 }' \
	  $(FILES) calib=1 $(CALIBS) > $@

$(MOMENTS): $(MODEL_FILES) $(DIR)/disjoint.txt $(call program,ACTDUMP)
	$(RUN) $(ACTDUMP) --model=$(MODEL) --tokenizer=$(TOKENIZER) --reduce=gram,absmean --site=attn_in,attn_mix,mlp_in,mlp_act $(WINDOWS) \
	  --threads=$(THREADS) --output=$@ $(CALIBS)

# GPTQ's other way, without moments: the text through the model, each layer fed by the rounded ones before it
CALIBRATE := --calibrate=$(call comma,$(CALIBS)) --tokenizer=$(TOKENIZER) $(WINDOWS)

SPECS := $(foreach b,$(MIX),bits=$(b)$(,)per=$(PER)$(,)clip=$(CLIP))
$(DIR)/calib-sens.csv: $(MODEL_FILES) $(DIR)/disjoint.txt $(call program,SENS)
	$(RUN) $(SENS) --model=$(MODEL) --tokenizer=$(TOKENIZER) --no-predict $(SPECS:%=--quant=%) $(WINDOWS) --resume=$@.part \
	  --threads=$(THREADS) --output=$@ $(CALIBS)
	rm -f $@.part

# ---- 3. recipes: a score for each layer, and what is made of it

$(DIR)/score-kurtosis.csv: $(MODEL_FILES) $(call program,MODELCAT KURT)
	$(MODELCAT) --compress=0 $(MODEL) | \
	  $(RUN) $(KURT) --by=layer --only='*.mlp.*.weight,*.fc1.weight,*.fc2.weight' --threads=$(THREADS) | \
	  mlr --csv rename kurtosis,score then cut -o -f layer,score > $@
$(DIR)/score-sens.csv: $(DIR)/calib-sens.csv
	mlr --csv filter '$$part != "all" && $$bits == $(BITS)' then put '$$score = $$tokens * ($$nll - $$ref_nll) / log(2) / $$bytes' \
	  then stats1 -a mean -f score -g layer then rename score_mean,score $< > $@
$(DIR)/score-position.csv: $(DIR)/score-kurtosis.csv
	mlr --csv cut -f layer $< > $@
$(DIR)/score-random-%.csv: $(DIR)/score-kurtosis.csv
	mlr --csv cut -f layer $< > $@

# Noise in place of each rounding error, as large in every output channel
$(RECIPES)/noise-turned-%.csv: $(DIR)/score-kurtosis.csv
	mlr --csv put -q 'emit1 {"layer": $$layer, "rotate": $(ROTATE), "method": "noise", "seed": 1000 * $(SEED) + $*}' $< > $@

define shape
$$(RECIPES)/$(1)-%.csv: $$(HOW)/recipe.mlr $$(DIR)/score-%.csv
	mlr --csv put -q -s shape=$(1) -s by=$$* -s bits=$$(BITS) -s high=$$(HIGH) -s seed=$$(SEED) -f $$^ > $$@
endef
$(foreach s,protect shift,$(eval $(call shape,$(s))))

$(RECIPES)/mix-mean.csv $(RECIPES)/mix-worst.csv: $(RECIPES)/mix-%.csv: $(DIR)/calib-sens.csv $(call program,BITALLOC)
	$(BITALLOC) --quiet --like=$(SPEC) --objective=$* --damage=delta_bits_per_byte --report=$(RECIPES)/mix-$*.report.csv $< > $@
# Half way to a bit less, or more, in every layer
$(RECIPES)/mix-worst-less.csv $(RECIPES)/mix-worst-more.csv: $(RECIPES)/mix-worst-%.csv: $(DIR)/calib-sens.csv $(call program,BITALLOC)
	bytes=$$(mlr --icsv --onidx filter '$$part == "all" && $$lang == "$(REFERENCE)" && ($$bits == $(BITS) || $$bits == $(if $(filter \
	  less,$*),$(FEWER),$(MORE)))' then stats1 -a mean -f packed_bytes then put '$$packed_bytes_mean = int($$packed_bytes_mean)' $<); \
	$(BITALLOC) --quiet --bytes=$$bytes --objective=worst --damage=delta_bits_per_byte $< > $@
$(RECIPES)/mix-mean-shuffled-%.csv: $(HOW)/shuffle.mlr $(RECIPES)/mix-mean.csv
	mlr --csv put -q -s draw=$* -s seed=$(SEED) -f $^ > $@
$(RECIPES)/mix-worst-shuffled-%.csv: $(HOW)/shuffle.mlr $(RECIPES)/mix-worst.csv
	mlr --csv put -q -s draw=$* -s seed=$(SEED) -f $^ > $@

CLIPS ?= minmax pct:99.9 mse aciq-gauss aciq-laplace gennorm kurt
$(RECIPES)/clip-random-%.csv: $(HOW)/clips.mlr $(DIR)/arms/plain.report.csv
	mlr --csv put -q -s clips="$(CLIPS)" -s draw=$* -s seed=$(SEED) -f $^ > $@

# ---- 4. arms: rounded, run, their damage by paragraph, drawn

# What an arm does not say itself
SAME = $(foreach o,bits=$(BITS) per=$(PER) clip=$(CLIP),$(if $(findstring --$(firstword $(subst =, ,$(o)))=,$(1)),,--$(o))) \
	  --threads=$(EACH) --compress=0
SCORE = $(RUN) $(PPL) --tokenizer=$(TOKENIZER) --by=line $(WINDOWS) --threads=$(EACH)
NEEDS = $(call files_in,$(filter-out $(CALIBRATE),$(1))) $(if $(findstring --calibrate=,$(1)),$(DIR)/disjoint.txt)

$(DIR)/reference.csv: $(MODEL_FILES) $(FILES) $(call program,PPL)
	$(SCORE) --model=$(MODEL) $(SHOWN) > $@

# A recipe that has one way for all layers stays what it is when it is shuffled, and is not run again
unshuffled = $(if $(findstring -shuffled-,$(1)),$(filter $(ARMS),$(firstword $(subst -shuffled-, ,$(1)))))
ways = mlr --icsv --onidx sort -nf layer then cut -o -f layer,bits,per,clip $(RECIPES)/$(1).csv
# $(call arm,NAME,WEIGHTS,OPTIONS)
define arm
$(call together,$(DIR)/arms/$(1).csv $(DIR)/arms/$(1).report.csv) &: $(DIR)/$(2).t $(call NEEDS,$(3)) $(FILES) $(call program,WQUANT PPL) \
  $(patsubst %,$(DIR)/arms/%.csv,$(call unshuffled,$(1)))
	$(if $(call unshuffled,$(1)),if cmp -s <($(call ways,$(1))) <($(call ways,$(call unshuffled,$(1)))); then \
	  for end in csv report.csv; do cp $(DIR)/arms/$(call unshuffled,$(1)).$$$$end $(DIR)/arms/$(1).$$$$end; done; exit; fi;) \
	$(RUN) $$(WQUANT) $(call SAME,$(3)) $(3) --report=$(DIR)/arms/$(1).report.csv $$< | \
	  $$(SCORE) --model=- $$(SHOWN) > $(DIR)/arms/$(1).csv
endef
# An arm with @ in its options is a model for each language, which @ stands for. All texts are run through each of them, so that
# who has whose model is only a matter of which rows are taken: its own, or in a control, whose weights are that arm, another's
# $(call one_of_each,NAME,WHOSE,DRAW)
define one_of_each
$(DIR)/arms/$(1).csv: $(HOW)/each.mlr $(STEMS:%=$(DIR)/arms/$(2).on-%.csv)
	mlr --csv put -q -s seed=$(SEED) -s draw=$(3) -f $$^ > $$@
$(DIR)/arms/$(1).report.csv: $(DIR)/arms/$(2).on-$(firstword $(STEMS)).report.csv
	cp $$< $$@
endef
MATCHED := $(strip $(foreach a,$(ARMS),$(if $(findstring @,$(OPTIONS_$(a))),$(a))))
EACH_OF := $(strip $(foreach a,$(ARMS),$(if $(filter $(MATCHED),$(WEIGHTS_$(a))),$(a))))
$(foreach a,$(filter-out $(MATCHED) $(EACH_OF),$(ARMS)),$(eval $(call arm,$(a),$(WEIGHTS_$(a)),$(OPTIONS_$(a)))))
$(foreach a,$(MATCHED),$(foreach l,$(STEMS),$(eval $(call arm,$(a).on-$(l),$(WEIGHTS_$(a)),$(subst @,$(l),$(OPTIONS_$(a)))))))
$(foreach a,$(MATCHED),$(eval $(call one_of_each,$(a),$(a),0)))
$(foreach a,$(EACH_OF),$(eval $(call one_of_each,$(a),$(WEIGHTS_$(a)),$(or $(DRAW_$(a)),1))))

PER_UNIT := $(if $(filter delta_nll,$(DAMAGE)),$$weight = $$tokens; $$sum = $$tokens * ($$nll - $$ref_nll),$$weight = $$bytes; \
	  $$sum = $$tokens * ($$nll - $$ref_nll) / log(2))
$(call together,$(DIR)/arms/%.langs.csv $(DIR)/arms/%.draws.csv) &: $(DIR)/arms/%.csv $(DIR)/reference.csv $(HOW)/spread.mlr $(call program,BOOTSTRAP)
	mlr --csv join -j lang,line -f <(mlr --csv rename nll,ref_nll then cut -f lang,line,ref_nll $(DIR)/reference.csv) \
	  then filter '$$tokens > 0' then put '$(PER_UNIT)' $(DIR)/arms/$*.csv | \
	  $(RESAMPLE) --stat=ratio-of-sums --x=sum --y=weight --by=lang --interval=percentile --samples=$(DIR)/arms/$*.samples.csv \
	  > $(DIR)/arms/$*.langs.csv
	mlr --csv put -q -f $(HOW)/spread.mlr $(DIR)/arms/$*.langs.csv $(DIR)/arms/$*.samples.csv > $(DIR)/arms/$*.draws.csv
	rm $(DIR)/arms/$*.samples.csv

# ---- 5. tables: sizes, arms against plain and against their controls, verdicts

TESTED := $(filter-out $(DRAWN),$(ARMS))
# $(call all,ARMS,WHAT), an arm's name from its file's
all      = $(foreach a,$(1),$(DIR)/arms/$(a)$(2))
from_name = $$arm = sub(sub(FILENAME, ".*/", ""), "$(1)$$", "")

TURNED := $(if $(shell grep -l '"gpt2"' $(CONFIG)),1,0)
$(DIR)/sizes.csv: $(HOW)/sizes.mlr $(call all,$(ARMS),.report.csv)
	mlr --csv put -q -s turned=$(TURNED) -s each="$(MATCHED) $(EACH_OF)" -s models=$(words $(STEMS)) -f $^ > $@

# Languages that an arm makes the model worse than guessing for: its damage ranks nothing
VOCAB := $(shell mlr --ijson --onidx cut -f vocab_size $(CONFIG))
$(DIR)/beyond.csv: $(call all,$(ARMS),.csv)
	mlr --csv put '$(call from_name,.csv); $$nats = $$tokens * $$nll' then stats1 -a sum -f nats,tokens -g arm,lang \
	  then filter '$$tokens_sum > 0 && $$nats_sum / $$tokens_sum > log($(VOCAB))' then nest --ivar " " -f lang \
	  then template -f arm,lang $^ > $@

$(DIR)/worst.csv: $(call all,$(TESTED),.langs.csv)
	mlr --csv put '$(call from_name,.langs.csv)' then sort -nr estimate then head -n 1 -g arm then cut -o -f arm,lang $^ > $@

FIGURE_OF := mean worst range sd gini
# Each draw: controls in the mean, plain, and the differences; then the estimate with the ends of its interval
$(DIR)/controls.csv: $(call all,$(DRAWN),.draws.csv)
	mlr --csv put '$(call from_name,-[0-9]+.draws.csv)' then rename arm,control \
	  then stats1 -a mean -f $(call comma,$(FIGURE_OF)) -g control,replicate then rename -r '^(.*)_mean$$,control_\1' $^ < /dev/null > $@
$(DIR)/chance.csv: $(call all,$(DRAWN),.draws.csv)
	mlr --csv filter '$$replicate == 0' then put '$(call from_name,-[0-9]+.draws.csv)' then rename arm,control \
	  then cut -o -f $(call comma,control $(FIGURE_OF)) $^ < /dev/null > $@
ALL_FIGURES := $(call comma,$(foreach f,$(FIGURE_OF),$(f) $(f)_plain $(f)_chance))
$(DIR)/differences.csv: $(call all,$(TESTED),.draws.csv) $(DIR)/controls.csv $(ARMS_CSV)
	mlr --csv put '$(call from_name,.draws.csv)' \
	  then join -j arm -f <(mlr --csv cut -f arm,control $(ARMS_CSV)) \
	  then join -j replicate -f <(mlr --csv rename -r '^(mean|worst|range|sd|gini)$$,plain_\1' $(DIR)/arms/plain.draws.csv) \
	  then join --ur -j control,replicate -f $(DIR)/controls.csv then unsparsify \
	  then unsparsify -f $(call comma,control $(FIGURE_OF:%=control_%)) \
	  then put '$(foreach f,$(FIGURE_OF),$$$(f)_plain = $$$(f) - $$plain_$(f); $$$(f)_chance = $$$(f) - $$control_$(f);) true' \
	  then cut -o -f arm,control,replicate,$(ALL_FIGURES) $(filter %.draws.csv,$^) > $@
$(DIR)/summary.csv: $(DIR)/differences.csv
	mlr --csv filter '$$replicate == 0' then cut -x -f replicate \
	  then join --ur -j arm -f <(mlr --csv filter '$$replicate > 0' then stats1 -i -a p2.5,p97.5 -f $(ALL_FIGURES) -g arm \
	    then rename -g -r '_p2.5$$,_low' then rename -g -r '_p97.5$$,_high' $<) \
	  then unsparsify then cut -o -f $(call comma,arm control $(foreach f,$(subst $(,), ,$(ALL_FIGURES)),$(f) $(f)_low $(f)_high)) $< > $@

$(DIR)/verdicts.csv: $(HOW)/verdicts.mlr $(ARMS_CSV) $(DIR)/sizes.csv $(DIR)/beyond.csv $(DIR)/worst.csv \
  $(DIR)/chance.csv $(DIR)/summary.csv
	mlr --csv put -q -s margin=$(MARGIN) -f $^ > $@

# Arms against one another, and rotate against noise as large as its errors
PAIRS ?= mix-worst:mix-mean gptq-matched:gptq-balanced rotate:plain equalise:plain rotate:noise-turned
$(DIR)/pairs.csv: pipelines/study/words.mlr $(HOW)/pairs.mlr $(DIR)/controls.csv \
  $(call all,$(filter $(subst :, ,$(PAIRS)),$(TESTED)),.draws.csv)
	mlr --csv put -q -s pairs="$(PAIRS)" -s figures="mean worst range sd" -f $< -f $(filter-out $<,$^) > $@

# Damage of a language (lang) by the model that was calibrated on a language (calib); and of each language that by its own less
# the mean of that by the others', in the mean over languages, intervals from drawing languages
$(DIR)/transfer.csv: $(DIR)/reference.csv $(foreach a,$(MATCHED),$(STEMS:%=$(DIR)/arms/$(a).on-%.csv))
	mlr --csv put '$(call from_name,.csv); $$calib = sub($$arm, "^.*[.]on-", ""); $$arm = sub($$arm, "[.]on-.*$$", "")' \
	  then join -j lang,line -f <(mlr --csv rename nll,ref_nll then cut -f lang,line,ref_nll $<) \
	  then filter '$$tokens > 0' then put '$(PER_UNIT)' then stats1 -a sum -f sum,weight -g arm,calib,lang \
	  then put '$$damage = $$sum_sum / $$weight_sum' then cut -o -f arm,calib,lang,damage $(filter-out $<,$^) < /dev/null > $@
$(DIR)/transfer-own.csv: $(HOW)/own.mlr $(DIR)/transfer.csv $(call program,BOOTSTRAP)
	$(if $(MATCHED),if [ $(words $(STEMS)) -gt 1 ]; then mlr --csv put -q -f $(wordlist 1,2,$^) | $(RUN) $(BOOTSTRAP) --stat=mean \
	  --x=own$(,)others$(,)own_less_others$(,)own_best --by=arm --interval=percentile --resamples=$(RESAMPLES) --seed=$(SEED); fi,true) > $@

# ---- 6. figures, and what they say

# Size against the worst language: plain at each width, and every arm that was ranked
$(DIR)/frontier.csv: $(DIR)/verdicts.csv
	mlr --csv filter 'is_not_empty($$bytes) && $$beyond == "" && $$repairs != "not ranked"' then sort -nf bytes -nf worst \
	  then put '$$label = $$arm . ($$models == 1 ? "" : " *")' then cut -o -f arm,label,what,control,bytes,bytes_more,mean,worst,worst_low,worst_high,repairs,beats_chance $< > $@
# Arms of plain's size, the best first, with the range of their controls' draws
$(DIR)/arms.csv: $(DIR)/frontier.csv $(DIR)/chance.csv
	mlr --csv filter '$$bytes_more <= 0 && $$arm !=~ "-(less|fewer|more|most)$$"' then sort -nf worst then cat -n -N rank \
	  then join --ur -j control -f <(mlr --csv stats1 -a min,max -f worst -g control then rename worst_min,least,worst_max,most $(DIR)/chance.csv) \
	  then unsparsify then unsparsify -f least,most then sort -nf rank $< > $@
SHOW ?= plain mix-worst gptq-balanced rotate#   arms in the figure by language
$(DIR)/before-after.csv: $(call all,$(SHOW),.langs.csv)
	mlr --csv put '$(call from_name,.langs.csv)' then cut -o -f arm,lang,estimate,low,high $^ > $@
$(eval $(call figure,frontier,$(HOW)/frontier.gp,csv=$(DIR)/frontier.csv measure=$(DAMAGE)))
$(eval $(call figure,arms,$(HOW)/arms.gp,csv=$(DIR)/arms.csv measure=$(DAMAGE) bits=$(BITS)))
$(eval $(call figure,before-after,$(HOW)/before-after.gp,csv=$(DIR)/before-after.csv measure=$(DAMAGE) bits=$(BITS) arms="$(SHOW)"))

$(DIR)/interventions.txt: pipelines/study/words.mlr $(HOW)/findings.mlr $(DIR)/verdicts.csv
	mlr --csv put -q -s unit="$(DAMAGE)" -s bits=$(BITS) -s high=$(HIGH) -s rotate=$(ROTATE) -s reference=$(REFERENCE) \
	  -f $< -f $(HOW)/findings.mlr $(DIR)/verdicts.csv > $@
include $(HOW)/questions.mk
findings: $(DIR)/interventions.txt $(DIR)/questions.txt $(DIR)/disjoint.txt
	@echo "$(MODEL) on $(TEXT), $(words $(STEMS)) languages, $(BITS) bits a weight"; cat $(DIR)/disjoint.txt; echo
	@cat $<; echo; cat $(DIR)/questions.txt
	@echo; echo "figures: $(FIGURES)   tables: $(DIR)"

# The same with outliers planted in the model; what it computes is the same to the last bit
PLANTED ?= --draw=3 --pair=vo,norm-mlp --channels=4 --factor=64
WITH := $(DIR)/planted$(call swapped,PLANTED)
.PHONY: planted
planted: $(WITH)/model.safetensors
	@$(MAKE) --no-print-directory -f pipelines/interventions.mk MODEL=$(WITH) DIR=$(WITH)/study \
	  TOKENIZER=$(TOKENIZER) STEMS="$(STEMS)" FIGURES=$(FIGURES)-planted findings
$(WITH)/model.safetensors: $(MODEL_FILES) $(call program,PLANT)
	mkdir -p $(@D)
	cp $(CONFIG) $(wildcard $(MODEL)/languages.csv) $(wildcard $(MODEL)/tokenizer*.json) $(@D)
	$(RUN) $(PLANT) $(PLANTED) --seed=$(SEED) --quiet -o $@ $(MODEL)
