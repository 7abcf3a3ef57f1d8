# measure.mk - what a study of a model measures on a text: tails, use of layers, damage by rounding, tokens. Included by
# predictors.mk and study.mk, which set STUDY, and KNOBS for what more is in the name of DIR.
# SPDX-License-Identifier: GPL-3.0-or-later
include pipelines/predictors/knobs.mk

# ---- 1. tails: of each layer and role, and of the MLP matrices of a layer together

$(DIR)/tails.csv: $(MODEL_FILES) $(call program,MODELCAT KURT)
	$(MODELCAT) --compress=0 $(MODEL) | $(RUN) $(KURT) --by=layer,role,name --crest=128 --threads=$(THREADS) | \
	  mlr --csv filter 'is_not_empty($$layer) && $$shape =~ "x"' then cut -x -f frame,lang,channel,dtype > $@

$(DIR)/layers.csv: $(MODEL_FILES) $(call program,MODELCAT KURT)
	$(MODELCAT) --compress=0 $(MODEL) | \
	  $(RUN) $(KURT) --by=layer --only='*.mlp.*.weight,*.fc1.weight,*.fc2.weight' --threads=$(THREADS) | \
	  mlr --csv cut -o -f layer,n,mean,sd,skewness,kurtosis,kurtosis_se,max_abs \
	  then put '$$outlier = $$kurtosis > $(OUTLIER) ? 1 : 0' > $@

# ---- 2. use of each layer by each language

$(DIR)/use.csv: $(MODEL_FILES) $(FILES) $(call program,ACTDUMP KURT)
	$(RUN) $(ACTDUMP) --model=$(MODEL) --tokenizer=$(TOKENIZER) --site=mlp_out,resid --reduce=absmean --first=both $(WINDOWS) \
	  --threads=$(THREADS) $(SHOWN) | $(KURT) --by=lang,name | \
	  mlr --csv put -q -f $(MEASURE)/use.mlr then fraction -f absmean -g lang,site,tokens \
	  then rename absmean_fraction,use > $@

# Three figures go by the name of effective kurtosis; here each has its own
$(DIR)/effective.csv: $(DIR)/use.csv $(DIR)/layers.csv $(MEASURE)/effective.mlr
	mlr --csv join -j layer -f $(DIR)/layers.csv then put -q -f $(MEASURE)/effective.mlr $< > $@

# ---- 3. damage: the model rounded on the way, against itself, line by line

$(DIR)/lines.csv: $(MODEL_FILES) $(FILES) $(call program,PPL)
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
