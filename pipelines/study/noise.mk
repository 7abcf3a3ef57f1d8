# noise.mk - is it rounding that harms a language, or does any perturbation of that size?
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Measured: the model with Gauss noise in place of rounding, in every output channel as large as the error of SPEC there, from
# NOISES seeds, on the same lines. The ratio of damages, rounding over noise, is of sums over all languages; its 95 % interval
# draws paragraphs (line i of all languages together where the text is parallel). Two seeds of noise harm languages as alike as
# chance has it: their correlation over languages is what rounding's correlation with a seed is held against.
# Decided beforehand: where the interval of noise's own damage does not lie above 0, nothing is told. The size of the damage is any
# perturbation's if the ratio's interval lies within 0.8 and 1.25, and so does the ratio to each seed alone; rounding's own if they
# all lie above 1.25, or all below 0.8; open otherwise. (The interval draws paragraphs for these seeds, and another seed may do less
# or more. That each has to say it was added after a first look, at other weights.) The pattern over languages is any perturbation's if rounding's mean correlation with
# the seeds is at least the least correlation between two seeds, rounding's own if it is below; if two seeds correlate at less than
# 0.5 in the mean, there is no pattern to be told.
SEEDS := $(shell seq $(NOISES))

$(DIR)/noise-lines.csv: $(MODEL_FILES) $(FILES) $(call program,PPL)
	$(RUN) $(PPL) --model=$(MODEL) --tokenizer=$(TOKENIZER) $(SEEDS:%=--quant=$(SPEC)$(,)method=noise$(,)seed=%) --by=line $(WINDOWS) \
	  --threads=$(THREADS) $(SHOWN) > $@

# A row for each line: damage by rounding, by each seed, and by noise in the mean. What is refused under one is left out of all.
$(DIR)/noise-pairs.csv: $(DIR)/lines.csv $(DIR)/noise-lines.csv
	mlr --csv put 'if (is_absent($$quant)) { $$quant = FILENAME =~ "/lines.csv$$" ? "rounding" : "seed=1" }' \
	  then $(WEIGH) then put '$$quant = "d_" . sub(sub($$quant, ".*seed=", "noise"), "^.*(rounding)", "\1")' \
	  then cut -o -f lang,line,weight,quant,sum then reshape -s quant,sum \
	  then put -f $(HOW)/mean-noise.mlr then filter 'is_not_empty($$d_noise) && is_not_empty($$d_rounding)' \
	  then put '$$more = $$d_rounding - $$d_noise' $^ > $@

# One row a language: rounding, the seeds' mean and spread, and the difference with its interval
$(DIR)/noise.csv: $(DIR)/noise-pairs.csv $(HOW)/noise-languages.mlr $(call program,BOOTSTRAP)
	$(call if_rows,lang) $(RESAMPLE) --stat=ratio-of-sums --x=d_rounding,more --y=weight --by=lang --interval=percentile < $< | \
	  mlr --csv cut -o -f lang,x,estimate,low,high then reshape -i estimate,low,high -o key,value \
	  then put '$$key = $$x . "_" . $$key' then cut -x -f x then reshape -s key,value \
	  then join -j lang -f <(mlr --csv put -q -f $(HOW)/noise-languages.mlr $<) then sort -nr d_rounding_estimate > $@

$(DIR)/noise-ratio.csv: $(DIR)/noise-pairs.csv $(call program,BOOTSTRAP)
	$(call if_rows,x$(,)y$(,)estimate$(,)low$(,)high) $(RUN) $(BOOTSTRAP) --stat=ratio-of-sums --x=d_rounding,d_noise --y=weight,d_noise,$(call comma,$(SEEDS:%=d_noise%)) --interval=percentile \
	  $(if $(PARALLEL),--cluster=line) --resamples=$(RESAMPLES) --seed=$(SEED) --threads=$(THREADS) < $< > $@

$(DIR)/noise-alike.csv: $(DIR)/noise.csv $(call program,CORR)
	mlr --csv cut -o -f d_rounding_estimate,$(call comma,$(SEEDS:%=noise%)) $< | \
	  $(call if_rows,x$(,)y$(,)estimate) $(CORR) > $@

$(DIR)/noise.txt: $(HOW)/words.mlr $(HOW)/noise.mlr $(DIR)/noise.csv $(DIR)/noise-ratio.csv $(DIR)/noise-alike.csv
	$(call say,-s spec=$(SPEC) -s measure=$(DAMAGE)) > $@

$(eval $(call figure,noise,$(HOW)/noise.gp,csv=$(DIR)/noise.csv measure=$(DAMAGE) spec=$(SPEC) seeds=$(NOISES)))
$(eval $(call experiment,noise,noise))
