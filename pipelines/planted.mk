# planted.mk - a cause put there on purpose: do the explaining programs find it, and does taking it away repair the damage?
# SPDX-License-Identifier: GPL-3.0-or-later
#
#   make -f pipelines/planted.mk MODEL=bloom-560m                               outliers in 3 layers that the seed draws
#   make -f pipelines/planted.mk MODEL=bloom-560m LAYERS=2 PAIR=vo FACTOR=16 SEED=7
#
# A study of a model can find a layer to blame that is not. So here the cause is known: `plant` multiplies CHANNELS channels
# of each PAIR by FACTOR where they are read and divides them where they are written, in LAYERS layers that nobody chose. The
# function stays the same to the last bit, so whatever rounding then costs more is the outliers' doing. What was planted is
# read only when ranks are given.
#
# Looking: four finders score every layer: the largest kurtosis of its matrices; the kurtosis of its MLP (predictors.mk's
# rule); the damage when it alone is rounded, and the relative error of its outputs (both of sens), means over languages.
# Repairing: evened out (plant --equalise, all pairs, which knows nothing of the planting either), rotated by blocks of
# ROTATE; each on the model as it was too, for what it does by itself.
#
# Fixed before looking:
#   same      every paragraph has the same nll as before, and a KL divergence of 0
#   found     the planted layers are in front of all others; p is exact, over all choices of as many layers (Mann-Whitney)
#   repaired  the interval of the share of the added damage that is taken away is above 3/4, drawing paragraphs;
#             it helps if that interval is above 0
STUDY    := planted
LAYERS   ?= 3
PAIR     ?= vo,norm-mlp#        as plant has them
CHANNELS ?= 4
FACTOR   ?= 64
ROTATE   ?= 32
PLANT    ?= plant
SENS     ?= sens
STEPS    := PLANT SENS
KNOBS     = _$(LAYERS)-layers_$(subst $(,),-,$(PAIR))_$(CHANNELS)-times-$(FACTOR)_rotate-$(ROTATE)
include pipelines/predictors/knobs.mk
HOW      := pipelines/planted
FIGURES  := $(OUT)/figures/$(notdir $(abspath $(MODEL)))
SCORE     = $(RUN) $(PPL) --tokenizer=$(TOKENIZER) --by=line $(WINDOWS) --threads=$(THREADS)

# ---- 1. planting; the same function?

$(call together,$(DIR)/planted.t $(DIR)/truth.csv) &: $(MODEL_FILES) $(call program,PLANT)
	$(RUN) $(PLANT) --draw=$(LAYERS) --pair=$(PAIR) --channels=$(CHANNELS) --factor=$(FACTOR) --seed=$(SEED) \
	  --report=$(DIR)/truth.csv --threads=$(THREADS) $(MODEL) > $(DIR)/planted.t

$(DIR)/same.csv: $(DIR)/planted.t $(FILES) $(call program,PPL)
	$(SCORE) --model=$< --against=$(MODEL) $(SHOWN) > $@

# ---- 2. looking, at the planted model alone

$(DIR)/planted-tails.csv: $(DIR)/planted.t $(call program,KURT)
	$(RUN) $(KURT) --by=layer,role,name --threads=$(THREADS) $< | \
	  mlr --csv filter 'is_not_empty($$layer) && $$shape =~ "x"' then cut -o -f layer,role,n,kurtosis,max_abs > $@

$(DIR)/planted-layers.csv: $(DIR)/planted.t $(call program,KURT)
	$(RUN) $(KURT) --by=layer --only='*.mlp.*.weight,*.fc1.weight,*.fc2.weight' --threads=$(THREADS) $< | \
	  mlr --csv cut -o -f layer,n,kurtosis then put '$$outlier = $$kurtosis > $(OUTLIER) ? 1 : 0' > $@

$(DIR)/alone.csv: $(DIR)/planted.t $(FILES) $(call program,SENS)
	$(RUN) $(SENS) --model=$< --tokenizer=$(TOKENIZER) --part=layer --quant=$(SPEC) $(WINDOWS) --threads=$(THREADS) $(SHOWN) > $@

# A score for each layer and finder, the larger the more suspect
$(DIR)/scores.csv: $(HOW)/scores.mlr $(DIR)/planted-tails.csv $(DIR)/planted-layers.csv $(DIR)/alone.csv
	mlr --csv put -q -s damage=$(DAMAGE) -f $^ > $@

# ---- 3. found? only here is it read what was planted

$(DIR)/planted-found.csv: $(HOW)/ranks.mlr $(DIR)/truth.csv $(DIR)/scores.csv
	mlr --csv unsparsify then put -q -f $^ > $@

$(DIR)/found.csv: $(DIR)/planted-found.csv $(call program,BOOTSTRAP)
	$(RUN) $(BOOTSTRAP) --permute --stat=mann-whitney --x=score --by=finder --group=planted --groups=1,0 --alternative=greater \
	  --exact=always $< > $@

# ---- 4. repaired? the model as it was and planted: as it is, evened out, rotated

$(DIR)/planted-evened.t: $(DIR)/planted.t $(call program,PLANT)
	$(RUN) $(PLANT) --equalise --threads=$(THREADS) $< > $@
$(DIR)/original-evened.t: $(MODEL_FILES) $(call program,PLANT)
	$(RUN) $(PLANT) --equalise --threads=$(THREADS) $(MODEL) > $@

TURNED := $(SPEC)$(,)rotate=$(ROTATE)
$(DIR)/original.lines.csv: $(MODEL_FILES) $(FILES) $(call program,PPL)
	$(SCORE) --model=$(MODEL) --quant=$(SPEC) --quant=$(TURNED) $(SHOWN) > $@
$(DIR)/planted.lines.csv: $(DIR)/planted.t $(FILES) $(call program,PPL)
	$(SCORE) --model=$< --quant=$(SPEC) --quant=$(TURNED) $(SHOWN) > $@
$(DIR)/%-evened.lines.csv: $(DIR)/%-evened.t $(FILES) $(call program,PPL)
	$(SCORE) --model=$< --quant=$(SPEC) $(SHOWN) > $@

# Paragraphs that are parallel are drawn in all languages together
DRAW := $(RESAMPLE) --stat=ratio-of-sums --interval=percentile
$(DIR)/arms.csv: $(foreach a,original original-evened planted planted-evened,$(DIR)/$(a).lines.csv)
	mlr --csv $(WEIGH) then put '$$arm = sub(sub(FILENAME, ".*/", ""), ".lines.csv", "") . (is_present($$quant) && $$quant =~ "rotate" ? "-rotated" : "")' \
	  then unsparsify then cut -o -f arm,lang,line,sum,weight $^ > $@

$(DIR)/planted-repair.csv: $(DIR)/arms.csv $(call program,BOOTSTRAP)
	$(DRAW) --x=sum --y=weight --by=arm $(PARALLEL:yes=--cluster=line) $< > $@
$(DIR)/repair-languages.csv: $(DIR)/arms.csv $(call program,BOOTSTRAP)
	$(DRAW) --x=sum --y=weight --by=arm,lang $< > $@

# Of what planting added, the share that a repair takes away
$(DIR)/share.csv: $(DIR)/arms.csv $(call program,BOOTSTRAP)
	mlr --csv cut -f arm,lang,line,sum then reshape -s arm,sum then filter 'is_not_empty($$original . $$planted)' \
	  then put '$$added = $$planted - $$original; $$evened = $$planted - $${planted-evened}; $$rotated = $$planted - $${planted-rotated}' $< | \
	  $(DRAW) --x=evened,rotated --y=added $(PARALLEL:yes=--cluster=line) > $@

# ---- 5. figures, and what they say

$(eval $(call figure,planted-found,$(HOW)/found.gp,csv=$(DIR)/planted-found.csv tests=$(DIR)/found.csv))
$(eval $(call figure,planted-repair,$(HOW)/repair.gp,csv=$(DIR)/planted-repair.csv languages=$(DIR)/repair-languages.csv \
  measure=$(DAMAGE) spec=$(SPEC)))

$(DIR)/planted.txt: $(HOW)/findings.mlr $(DIR)/truth.csv $(DIR)/same.csv $(DIR)/planted-found.csv $(DIR)/found.csv \
  $(DIR)/planted-repair.csv $(DIR)/repair-languages.csv $(DIR)/share.csv
	mlr --csv unsparsify then put -q -s measure=$(DAMAGE) -s factor=$(FACTOR) -s channels=$(CHANNELS) -s pair=$(PAIR) \
	  -s seed=$(SEED) -f $^ > $@
findings: $(DIR)/planted.txt
	@echo "$(MODEL) on $(TEXT), $(words $(STEMS)) languages, weights by $(SPEC)"; echo
	@cat $<
	@echo; echo "figures: $(FIGURES)   tables: $(DIR)"
