# explain.mk - what, known before rounding, tells the damage to a language? Does the amount of training text?
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Predictors, one of each kind and no more, since each is a test:
#   fertility          tokens a word
#   premium            tokens over those of REFERENCE for the same text (parallel text only)
#   kurtosis_weighted  excess kurtosis of the layers' MLP weights, weighted by the language's use of the layers (mlp_out, first
#                      tokens left out)
#   outlier_use        share of the outlier layers in that use (none where no layer, or every one, is)
#   predicted_error    what Banner et al. (2019) predict for the error of rounding a layer's MLP weights, relative to the
#                      weights' own size and weighted by the same use
#   output_error       tr(dW C dW^T) / tr(W C W^T), each summed over matrices: the relative error that rounding makes at their
#                      outputs on the language's own activations
#   ref_bits_per_byte  the loss of the model as it is
#   latin              script
#   log10_bytes        training text (VOLUME)
# Measured: Pearson's r with DAMAGE over languages, with Fisher's interval, Holm over predictors; the same with script, volume
# and loss held fixed, one at a time, Holm over predictors each time; Spearman's rho and damage by token beside it.
# Decided beforehand: a predictor tells the damage if p by Holm is below 0.05 and r keeps its sign, its interval without 0, with
# script held fixed and with volume held fixed; it tells it only through what is held fixed if the interval then has 0.
# Volume explains the damage if log10_bytes tells it so.
# With 14 languages |r| must be 0.68 to be found with 80 % power.

$(DIR)/rounding.csv: $(MODEL_FILES) $(call program,MODELCAT WQUANT)
	$(MODELCAT) --compress=0 $(MODEL) | $(RUN) $(WQUANT) --bits=$(BITS) --per=$(PER) --clip=$(CLIP) --threads=$(THREADS) \
	  --report=$@ --compress=0 -o /dev/null

# Predicted beside measured, of each matrix, relative to its mean square: mse 10^(sqnr/10)
$(DIR)/banner.csv: $(DIR)/rounding.csv
	mlr --csv put '$$power = $$mse * 10 ** ($$sqnr_db / 10)' \
	  then put '$$ratio_gauss = $$predicted_mse_gauss / $$mse; $$ratio_laplace = $$predicted_mse_laplace / $$mse' \
	  then cut -o -f name,layer,role,n,mse,power,predicted_mse_gauss,predicted_mse_laplace,ratio_gauss,ratio_laplace $< > $@

$(DIR)/predicted.csv: $(DIR)/banner.csv $(DIR)/use.csv $(HOW)/predicted.mlr
	mlr --csv put -q -f $(HOW)/predicted.mlr $(DIR)/banner.csv $(DIR)/use.csv > $@

$(DIR)/output-error.csv: $(MODEL_FILES) $(FILES) $(call program,SENS)
	$(RUN) $(SENS) --model=$(MODEL) --tokenizer=$(TOKENIZER) --quant=$(SPEC) --part=all --predict-only $(WINDOWS) \
	  --threads=$(THREADS) $(SHOWN) | mlr --csv rename relative_output_error,output_error then cut -o -f lang,output_error > $@

MORE := $(DIR)/predicted.csv $(DIR)/output-error.csv
ifneq ($(VOLUME),)
$(DIR)/volume.csv: $(VOLUME)
	mlr --csv filter '$$bytes > 0' then put '$$log10_bytes = log10($$bytes)' then cut -o -f lang,log10_bytes $< > $@
MORE += $(DIR)/volume.csv
endif

$(DIR)/explain.csv: $(DIR)/languages.csv $(MORE)
	mlr --csv rename kurtosis_weighted_mlp_out_rest,kurtosis_weighted,outlier_use_mlp_out_rest,outlier_use \
	  $(MORE:%=then join --ur -j lang -f %) then unsparsify \
	  then filter 'is_not_empty($$$(DAMAGE))' then sort -nr $(DAMAGE) $< > $@

PREDICTORS := fertility $(if $(PARALLEL),premium) kurtosis_weighted outlier_use predicted_error output_error \
	ref_bits_per_byte latin $(if $(VOLUME),log10_bytes)
GIVEN      := latin $(if $(VOLUME),log10_bytes) ref_bits_per_byte

$(DIR)/explained.csv: $(DIR)/explain.csv $(call program,CORR)
	$(call if_rows,x$(,)y$(,)given$(,)n$(,)estimate$(,)low$(,)high$(,)p$(,)p_holm) $(CORR) --x=$(call comma,$(PREDICTORS)) --y=$(DAMAGE) --adjust=holm < $< > $@
$(DIR)/explained-spearman.csv: $(DIR)/explain.csv $(call program,CORR)
	$(call if_rows,x$(,)y$(,)given$(,)n$(,)estimate$(,)low$(,)high$(,)p$(,)p_holm) $(CORR) --x=$(call comma,$(PREDICTORS)) --y=$(DAMAGE) --method=spearman --adjust=holm < $< > $@
OTHER_UNIT := $(if $(filter delta_nll,$(DAMAGE)),delta_bits_per_byte,delta_nll)
$(DIR)/explained-by-token.csv: $(DIR)/explain.csv $(call program,CORR)
	mlr --csv filter 'is_not_empty($$$(OTHER_UNIT))' $< | \
	  $(call if_rows,x$(,)y$(,)given$(,)n$(,)estimate$(,)low$(,)high$(,)p$(,)p_holm) $(CORR) --x=$(call comma,$(PREDICTORS)) --y=$(OTHER_UNIT) --adjust=holm > $@
$(GIVEN:%=$(DIR)/explained-given-%.csv): $(DIR)/explained-given-%.csv: $(DIR)/explain.csv $(call program,CORR)
	$(call if_rows,x$(,)y$(,)given$(,)n$(,)estimate$(,)low$(,)high$(,)p$(,)p_holm) $(CORR) --x=$(call comma,$(filter-out $*,$(PREDICTORS))) --y=$(DAMAGE) --given=$* --adjust=holm < $< > $@

$(DIR)/explain.txt: $(HOW)/words.mlr $(HOW)/explain.mlr $(DIR)/explained.csv $(DIR)/explained-spearman.csv $(DIR)/explained-by-token.csv \
    $(GIVEN:%=$(DIR)/explained-given-%.csv) $(DIR)/banner.csv
	$(call say,-s measure=$(DAMAGE) -s volume=$(if $(VOLUME),yes,no)) > $@

# For the figure: r as it is and with each thing held fixed, a row each
$(DIR)/explained-all.csv: $(DIR)/explained.csv $(GIVEN:%=$(DIR)/explained-given-%.csv)
	mlr --csv unsparsify then put '$$given = is_empty($$given) ? "nothing" : $$given' then cut -o -f x,y,given,n,estimate,low,high,p,p_holm $^ > $@
$(eval $(call figure,explained-all,$(HOW)/explain.gp,csv=$(DIR)/explained-all.csv measure=$(DAMAGE)))
$(eval $(call experiment,explain,explained-all))
