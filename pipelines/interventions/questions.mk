# questions.mk - the seeds' questions, answered by measurement. Included by interventions.mk.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Measured on TEXT: every layer rounded alone; all attention rounded and nothing else; all MLPs; damage in bits a byte over all
# languages' text, 95 % intervals from drawing paragraphs.
# Decided beforehand:
#   FFN or attention   the one whose matrices, all rounded and nothing else, cost more, if the interval of the difference is on one
#                      side of 0; for each kB of packed weights as well, since the MLP has more of them
#   early or late      the half whose layers, each rounded alone, cost more in sum, by the same rule
#   kind of language   early less late by language: non-Latin differs from Latin script if the interval of the difference of means,
#                      drawing languages, is on one side of 0; the volume of training text matters if that of Spearman's rho is
#   equity             restored by mixed precision if mix-worst or mix-mean repairs, beats chance, and the interval of its
#                      max - min less plain's lies below 0. Whether choosing for the worst language does more than choosing for
#                      the mean: their difference, draw by draw
#   own language       calibrates best if the interval of own less others, in the mean over languages, lies below 0: every
#                      language is run through the model of each
#   outliers (the key  asked only of a model with an outlier layer, one whose MLP's excess kurtosis is above OUTLIER. Then fixing
#   question)          them reduces damage if rotate or equalise, which take outliers away and add no bit, does: mean less plain's
#                      below 0, p below 0.05 after Holm over the two. Of any model it is said what each does, for better or
#                      worse. Rotated rounding less noise of its size: is it the size of its errors? Protecting and clipping
#                      by kurtosis stand beside.
ONLY_attn := --part=all --only='role:attn_*'
ONLY_mlp  := --part=all --only='role:mlp_*'
$(DIR)/alone-whole.csv $(DIR)/alone-attn.csv $(DIR)/alone-mlp.csv: $(DIR)/alone-%.csv: $(MODEL_FILES) $(FILES) $(call program,SENS)
	$(RUN) $(SENS) --model=$(MODEL) --tokenizer=$(TOKENIZER) --no-predict --quiet --quant=$(SPEC) --by=line $(ONLY_$*) $(WINDOWS) \
	  --resume=$@.part --threads=$(THREADS) --output=$@ $(SHOWN)
	rm -f $@.part

# A row for each paragraph: bits more by attention and by MLP, all layers together, and by halves of the layers, each alone
$(DIR)/halves.csv: $(HOW)/halves.mlr $(DIR)/alone-whole.csv $(DIR)/alone-attn.csv $(DIR)/alone-mlp.csv
	mlr --csv put -q -f $^ > $@
ASKED := together,sum,attention,mlp,mlp_less_attention,mlp_less_attention_a_kb,early,late,early_less_late
$(DIR)/asked.csv: $(DIR)/halves.csv $(call program,BOOTSTRAP)
	$(RESAMPLE) --stat=ratio-of-sums --x=$(ASKED) --y=bytes --interval=percentile $(PARALLEL:yes=--cluster=line) $< > $@

$(DIR)/kinds.csv: $(DIR)/halves.csv $(FILES) $(call program,TOKSTAT) $(VOLUME)
	mlr --csv stats1 -a sum -f early_less_late,early,late,bytes -g lang \
	  then put '$$early_less_late = $$early_less_late_sum / $$bytes_sum; $$early = $$early_sum / $$bytes_sum; $$late = $$late_sum / $$bytes_sum' \
	  then cut -o -f lang,early,late,early_less_late \
	  then join -j lang -f <($(RUN) $(TOKSTAT) --tokenizer=$(TOKENIZER) $(SHOWN) | mlr --csv put '$$latin = $$script == "Latn" ? 1 : 0' \
	    then cut -o -f lang,script,latin) \
	  $(if $(VOLUME),then join --ur -j lang -f <(mlr --csv filter '$$bytes > 0' then put '$$log10_bytes = log10($$bytes)' \
	    then cut -o -f lang$(,)log10_bytes $(VOLUME)) then unsparsify) $< > $@
$(DIR)/kinds-script.csv: $(DIR)/kinds.csv $(call program,BOOTSTRAP)
	if [ "$$(mlr --icsv --onidx count-distinct -f latin then filter '$$count > 1' $< | wc -l)" = 2 ]; then \
	  $(RUN) $(BOOTSTRAP) --stat=diff-mean --group=latin --groups=0,1 --x=early_less_late --interval=percentile --resamples=$(RESAMPLES) \
	  --seed=$(SEED) $<; else echo stat,estimate,low,high; fi > $@
$(DIR)/kinds-volume.csv: $(DIR)/kinds.csv $(call program,CORR)
	$(if $(VOLUME),$(CORR) --x=log10_bytes --y=early_less_late --method=spearman $< | mlr --csv rename method$(,)stat,echo stat$(,)estimate) > $@

$(DIR)/questions.txt: pipelines/study/words.mlr $(HOW)/questions.mlr $(DIR)/score-kurtosis.csv $(DIR)/sensitivity.csv $(DIR)/asked.csv \
  $(DIR)/kinds.csv $(DIR)/kinds-script.csv $(DIR)/kinds-volume.csv $(DIR)/transfer.csv $(DIR)/transfer-own.csv $(DIR)/pairs.csv \
  $(DIR)/verdicts.csv
	mlr --csv put -q -s outlier=$(OUTLIER) -f $< -f $(HOW)/questions.mlr $(filter %.csv,$^) > $@

# Which layer costs which language most: a row for each layer and language
$(DIR)/sensitivity.csv: $(DIR)/alone-whole.csv $(call program,BOOTSTRAP)
	mlr --csv filter '$$part != "all" && $$tokens > 0' then put '$$bits_more = $$tokens * ($$nll - $$ref_nll) / log(2)' \
	  then cut -o -f layer,lang,line,bits_more,bytes $< | \
	  $(RESAMPLE) --stat=ratio-of-sums --x=bits_more --y=bytes --by=layer,lang --interval=percentile | \
	  mlr --csv cut -o -f layer,lang,estimate,low,high > $@
$(eval $(call figure,sensitivity,$(HOW)/sensitivity.gp,csv=$(DIR)/sensitivity.csv spec=$(SPEC)))
