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
# can be hundreds of times larger than all others, and without. Decided beforehand: a predictor tells the damage if its p by Holm is
# below 0.05, and not only through script if the interval of its correlation with script held fixed leaves out 0.
STUDY := predictors
include pipelines/predictors/measure.mk

# ---- every predictor against the damage

# kurtosis_outlier is outlier_use times a number plus another, so every correlation with it is that with outlier_use:
# it has its column in the tables, but is no further test.
SITES      := mlp_out_all mlp_out_rest resid_all resid_rest
PREDICTORS := $(foreach k,outlier_use kurtosis_weighted kurtosis_mixture,$(SITES:%=$(k)_%)) \
	$(if $(PARALLEL),premium) ref_bits_per_byte latin
$(DIR)/correlations.csv: $(DIR)/languages.csv $(call program,CORR)
	$(CORR) --x=$(call comma,$(PREDICTORS)) --y=$(DAMAGE) --method=pearson,spearman --adjust=holm $< > $@

$(DIR)/correlations-given-script.csv: $(DIR)/languages.csv $(call program,CORR)
	$(CORR) --x=$(call comma,$(filter-out latin,$(PREDICTORS))) --y=$(DAMAGE) --given=latin --adjust=holm $< > $@

# ---- figures, and what they say

$(eval $(call figure,damage,$(MEASURE)/damage.gp,intervals=$(DIR)/damage-intervals.csv measure=$(DAMAGE) spec=$(SPEC)))
$(eval $(call figure,correlations,$(MEASURE)/correlations.gp,csv=$(DIR)/correlations.csv measure=$(DAMAGE)))

$(DIR)/findings.txt: $(MEASURE)/findings.awk $(DIR)/layers.csv $(DIR)/damage.csv $(DIR)/correlations.csv
	awk -F, -v measure=$(DAMAGE) -v spec=$(SPEC) -v outlier=$(OUTLIER) -f $^ > $@
findings: $(DIR)/findings.txt $(DIR)/correlations-given-script.csv
	@cat $<
	@echo; echo "figures: $(OUT)/figures   tables: $(DIR)"
