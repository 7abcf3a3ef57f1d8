# variants.mk - which choice in training makes tails heavy, and does training for lighter ones help once weights are rounded?
# SPDX-License-Identifier: GPL-3.0-or-later
#
#   make model-variants                                        trains the models: hours (model.mk)
#   make -f pipelines/variants.mk                              what the tables in pipelines/data/variants say: seconds
#   make -f pipelines/variants.mk VARIANTS_DATA=DIR            those of another run: tails, loss, damage, growth.csv in DIR
#
# Small models that differ from a partner in one thing (variants/variants.csv: which, from whom, in what; `xglm` alone in several),
# each trained with the same few seeds. A variant is compared with its partner in pairs of one seed, which starts both from the same
# weights and draws the same sequences (others for `balanced`). With three seeds Student's t has two degrees of freedom: an
# interval of 95 % reaches 2.5 standard deviations of the differences to either side, so only large effects can be shown, and every
# seed is printed. No test by rearrangement could go below p = 1/4; p rests on differences being normal.
#
# Measured. Tails, of weights, not of activations: kurtosis of the MLP's matrices, their mean in a layer, of which the largest over
# layers decides; compared by ratio (normal: 3). Loss: nats a token, mean over languages. Damage: bits a byte that rounding adds,
# mean over languages, worst language, max - min. After: bits a byte of the rounded model, which is what its user pays.
#
# Fixed before looking:
#   shown      a difference: its 95 % interval leaves out "the same", all seeds have its sign, and p is below 0.05 after Holm over
#              all variants; "before Holm" if only p fails
#   moves      a variant moves the tails if the ratio of the largest layer's kurtosis is shown
#   parts      XGLM's is more, or less, than its parts if what they leave of it has an interval that leaves out "the same"
#   helps      a training intervention rounds better if less damage to the worst language is shown, and helps if fewer bits a byte
#              after rounding, mean over languages, are shown: what rounds better but is worse trained helps nobody
#   who        an intervention changes who is worst if base's seeds agree on the language that loses most, and none of its own names
#              it
#   together   tails and damage go together if Spearman's rho of the variants' means (largest layer's kurtosis, mean damage) has an
#              exact p below 0.05 after Holm over specs; that is no cause: variants differ in their loss too (rho given the loss)
#   grows      a tail grows if the largest layer's kurtosis is shown to be larger at the last step than at a quarter of the steps,
#              by ratio, over seeds; no Holm
include pipelines/lib.mk
VARIANTS_DATA ?= pipelines/data/variants
BASE      ?= base#                   whose spread between seeds is shown, and who is held against balance
TABLES    := tails loss damage growth
$(foreach t,$(TABLES),$(if $(wildcard $(VARIANTS_DATA)/$(t).csv),,\
  $(error $(VARIANTS_DATA)/$(t).csv is not there: make model-variants gives it)))

HOW := pipelines/variants
DIR := $(OUT)/variants/tables$(call swapped,VARIANTS_DATA BASE CORR BOOTSTRAP)
NAMED := $(shell mlr --icsv --onidx count-distinct -f variant then cut -f variant $(VARIANTS_DATA)/tails.csv)
$(shell mkdir -p $(DIR))

# ---- 1. each run in a few figures, and each variant against its partner

$(DIR)/measures.csv: pipelines/study/words.mlr $(HOW)/measures.mlr $(foreach t,tails loss damage,$(VARIANTS_DATA)/$(t).csv)
	mlr --csv put -q -f $< -f $(filter-out $<,$^) > $@

$(DIR)/compared.csv: $(HOW)/paired.mlr $(HOW)/compare.mlr $(HOW)/variants.csv $(DIR)/measures.csv
	mlr --csv put -q -f $< -f $(filter-out $<,$^) > $@

$(DIR)/variants-effects.csv: $(DIR)/compared.csv pipelines/study/holm.mlr $(HOW)/shown.mlr
	mlr --csv put '$$family = $$kind =~ "^(sum|rest)$$" ? $$kind : "variants"' \
	  then put -q -s by=family,measure,spec -f pipelines/study/holm.mlr then put -f $(HOW)/shown.mlr then cut -x -f family $< > $@

# ---- 2. training interventions, language by language

$(DIR)/variants-languages.csv: $(HOW)/paired.mlr $(HOW)/languages.mlr $(HOW)/variants.csv $(VARIANTS_DATA)/damage.csv \
    pipelines/study/holm.mlr $(HOW)/shown.mlr
	mlr --csv put -q -f $< -f $(HOW)/languages.mlr then put -q -s by=variant,spec,what -f pipelines/study/holm.mlr \
	  then put -f $(HOW)/shown.mlr $(HOW)/variants.csv $(VARIANTS_DATA)/damage.csv > $@

# Who loses most, in each run
$(DIR)/worst.csv: $(VARIANTS_DATA)/damage.csv
	mlr --csv filter 'is_not_empty($$delta_bits_per_byte)' then top -f delta_bits_per_byte -g variant,seed,quant -a \
	  then rename quant,spec then cut -o -f variant,seed,spec,lang,delta_bits_per_byte $< > $@

# ---- 3. do tails and damage go together? a row for each run and spec, and for each variant and spec

ROUNDED := variant,seed,spec,kurtosis_largest,kurtosis_mean,crest,nll_mean,before_mean,damage_mean,damage_worst,after_mean
$(DIR)/together.csv: $(DIR)/measures.csv
	mlr --csv filter '$$spec == "unrounded"' then cut -x -f spec then reshape -s measure,value $< | \
	  mlr --csv join -j variant,seed -f /dev/stdin then template -f $(ROUNDED) \
	  <(mlr --csv filter '$$spec != "unrounded"' then reshape -s measure,value $<) > $@
	[ -s $@ ] || echo $(ROUNDED) > $@
$(DIR)/means.csv: $(DIR)/together.csv
	mlr --csv stats1 -a mean -f kurtosis_largest,kurtosis_mean,crest,nll_mean,damage_mean,damage_worst,after_mean -g variant,spec \
	  then rename -r '^(.*)_mean$$,\1' $< > $@

# Spearman's rho over variants' means, given the loss, over runs, and within variants: of what their means leave of the ranks.
# Where every run is worse than guessing once rounded, tables have no rows.
IF_ROWS := pipelines/study/if-rows.sh spec,x,y,left_out,n,estimate,p,p_method,low,high
RHO   = $(IF_ROWS) $(CORR) --quiet --by=spec --x=kurtosis_largest,kurtosis_mean,crest --y=damage_mean,damage_worst --method=spearman
OTHER := $(wordlist 2,99,$(NAMED))
$(DIR)/rho-variants.csv: $(DIR)/means.csv pipelines/study/holm.mlr $(call program,CORR)
	$(RHO) < $< | mlr --csv put -q -s by=x,y -f pipelines/study/holm.mlr > $@
$(DIR)/rho-given-loss.csv: $(DIR)/means.csv $(call program,CORR)
	$(RHO) --given=nll_mean < $< > $@
$(DIR)/rho-runs.csv: $(DIR)/together.csv $(call program,CORR)
	$(RHO) < $< > $@
$(DIR)/rho-within.csv: $(DIR)/together.csv $(call program,CORR)
	mlr --csv put '$(foreach v,$(OTHER),$${is_$(v)} = $$variant == "$(v)" ? 1 : 0;) true' $< | \
	  $(RHO) $(if $(OTHER),--given=$(subst $() ,$(,),$(OTHER:%=is_%))) > $@
$(DIR)/rho-without.csv: $(DIR)/means.csv $(call program,BOOTSTRAP)
	$(IF_ROWS) $(RUN) $(BOOTSTRAP) --quiet --leave-one-out --id=variant --stat=spearman --by=spec --x=kurtosis_largest --y=damage_mean < $< > $@

# ---- 4. do tails grow with training?

$(DIR)/grows.csv: $(HOW)/paired.mlr $(HOW)/growth.mlr $(VARIANTS_DATA)/growth.csv
	mlr --csv put -q -f $< -f $(filter-out $<,$^) > $@

# ---- 5. figures, and what they say

$(DIR)/variants-tails.csv: $(VARIANTS_DATA)/tails.csv
	mlr --csv filter '$$role =~ "^mlp_"' then stats1 -a mean -f kurtosis -g variant,seed,layer then rename kurtosis_mean,excess $< > $@
$(DIR)/variants-growth.csv: $(VARIANTS_DATA)/growth.csv
	mlr --csv cut -x -f loss then reshape -r '^kurtosis_' -o layer,excess then put '$$layer = sub($$layer, "kurtosis_", "")' \
	  then stats1 -a mean -f excess -g variant,step,layer then rename excess_mean,excess $< > $@
$(DIR)/variants-trade.csv: $(DIR)/together.csv
	mlr --csv template -f variant,seed,spec,before_mean,damage_mean,after_mean $< > $@
FIGURE = $(eval $(call figure,variants-$(1),$(HOW)/$(1).gp,csv=$(DIR)/variants-$(1).csv $(2)))
$(call FIGURE,tails,base=$(BASE))
$(call FIGURE,effects)
$(call FIGURE,trade)
$(call FIGURE,languages)
$(call FIGURE,growth,grows=$(DIR)/grows.csv)

WORDS := pipelines/study/words.mlr $(HOW)/words.mlr
SAY    = mlr --csv put -q -s base=$(BASE) $(WORDS:%=-f %) -f $(filter-out $(WORDS),$^)
$(DIR)/effects.txt: $(HOW)/effects.mlr $(HOW)/variants.csv $(DIR)/measures.csv $(DIR)/variants-effects.csv $(WORDS)
	$(SAY) > $@
$(DIR)/training.txt: $(HOW)/training.mlr $(HOW)/variants.csv $(DIR)/variants-effects.csv $(DIR)/variants-languages.csv $(DIR)/worst.csv \
    $(WORDS)
	$(SAY) > $@
$(DIR)/together.txt: $(HOW)/together.mlr $(foreach r,variants given-loss runs within without,$(DIR)/rho-$(r).csv) \
    $(DIR)/grows.csv $(WORDS)
	$(SAY) > $@

$(DIR)/findings.txt: $(DIR)/effects.txt $(DIR)/training.txt $(DIR)/together.txt
	awk 'FNR == 1 && NR > 1 { print "" } 1' $^ > $@
findings: $(DIR)/findings.txt
	@cat $<
	@echo; echo "figures: $(FIGURES)   tables: $(DIR)"
