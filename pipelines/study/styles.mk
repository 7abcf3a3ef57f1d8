# styles.mk - MODEL against MODEL2 on the same text: does one lose more, and does something else tell its damage?
# SPDX-License-Identifier: GPL-3.0-or-later
#
#   make -f pipelines/study.mk MODEL=bloom-560m MODEL2=xglm-564m styles
#
# Measured: the difference of damage, MODEL less MODEL2, by language (paragraphs drawn in pairs, and what MODEL2 scored of one
# brought to as many bytes or tokens as MODEL, should it be less or more; sign flips with Holm over
# languages) and over all of them (line i of all languages together where the text is parallel); and for each predictor the
# difference of its correlations with each model's own damage, languages drawn with replacement, the same for both. Languages that
# either model is refused for are left out of both. Two p-values, one below 0.05 and one above, are no difference.
# Each model is one training run from one seed, and intervals draw paragraphs and languages, not runs. So what is said is said of
# these two sets of weights, not of the styles that they stand for: several seeds a style are in variants.mk.
# Decided beforehand: the models differ in damage if the interval of the difference over all languages lies on one side of 0. They
# differ in what tells the damage if, for any predictor, the interval of the difference of correlations does, at a level of
# 1 - 0.05 / (number of predictors).
DIR2   := $(call place,$(MODEL2))
VERSUS := $(DIR)/against-$(call slug,$(MODEL2))
$(shell mkdir -p $(VERSUS))

# The other model's tables are made by a study of its own; where they are up to date nothing is made again
.PHONY: other
other:
	@$(MAKE) --no-print-directory -f pipelines/study.mk MODEL=$(MODEL2) MODEL2= DIR=$(DIR2) VOLUME=$(wildcard $(MODEL2)/languages.csv) \
	  STEMS="$(STEMS)" $(DIR2)/nats.csv $(DIR2)/explain.csv $(DIR2)/layers.csv
$(DIR2)/nats.csv $(DIR2)/explain.csv $(DIR2)/layers.csv: other ;

$(VERSUS)/pairs.csv: $(DIR)/nats.csv $(DIR2)/nats.csv
	mlr --csv rename bits,bits2,nats,nats2,bytes,bytes2,tokens,tokens2 then cut -f lang,line,bits2,nats2,bytes2,tokens2 $(word 2,$^) | \
	  mlr --csv join -j lang,line -f /dev/stdin then put '$$bits2 *= $$bytes / $$bytes2; $$nats2 *= $$tokens / $$tokens2' \
	  then put '$$more_bits = $$bits - $$bits2; $$more_nats = $$nats - $$nats2' $< > $@

$(VERSUS)/languages.csv: $(VERSUS)/pairs.csv $(HOW)/holm.mlr $(call program,BOOTSTRAP)
	$(RUN) $(BOOTSTRAP) --permute --stat=sum --x=more_nats --by=lang --seed=$(SEED) --resamples=$(RESAMPLES) $< | \
	  mlr --csv put -q -f $(HOW)/holm.mlr then cut -o -f lang,p,p_holm | mlr --csv join -j lang -f /dev/stdin \
	  then reshape -i estimate,low,high -o key,value then put '$$key = $$x . "_" . $$key' then cut -x -f x \
	  then reshape -s key,value then sort -nr more_bits_estimate \
	  <($(RESAMPLE) --stat=ratio-of-sums --x=bits,bits2,more_bits --y=bytes --by=lang --interval=percentile $< | \
	    mlr --csv cut -o -f lang,x,estimate,low,high) > $@

$(VERSUS)/overall.csv: $(VERSUS)/pairs.csv $(call program,BOOTSTRAP)
	for y in bytes tokens; do \
	  $(RUN) $(BOOTSTRAP) --stat=ratio-of-sums --x=$$([ $$y = bytes ] && echo bits,bits2,more_bits || echo nats,nats2,more_nats) --y=$$y \
	    --interval=percentile $(if $(PARALLEL),--cluster=line) --resamples=$(RESAMPLES) --seed=$(SEED) --threads=$(THREADS) $<; \
	done | mlr --icsvlite --ocsv --allow-ragged-csv-input filter '$$stat != "stat"' > $@

# Both models' predictors and damage side by side, second in columns that end in 2
$(VERSUS)/predictors.csv: $(DIR)/explain.csv $(DIR2)/explain.csv
	mlr --csv rename -r '^(.*)$$,\12' then rename lang2,lang $(word 2,$^) | \
	  mlr --csv join -j lang -f /dev/stdin then filter 'is_not_empty($$$(DAMAGE)) && is_not_empty($$$(DAMAGE)2)' \
	  then cut -o -f lang,$(DAMAGE),$(DAMAGE)2,$(call comma,$(foreach p,$(PREDICTORS),$(p) $(p)2)) $< > $@

# Correlations of either model and their difference, in the same draws of languages
$(VERSUS)/correlations.csv: $(VERSUS)/predictors.csv $(HOW)/differences.mlr $(call program,BOOTSTRAP)
	$(RUN) $(BOOTSTRAP) --stat=pearson --x=$(call comma,$(foreach p,$(PREDICTORS),$(p) $(p)2)) --y=$(DAMAGE),$(DAMAGE)2 --interval=percentile \
	  --resamples=$(RESAMPLES) --seed=$(SEED) --threads=$(THREADS) --samples=$(VERSUS)/draws.csv $< > $(VERSUS)/all.csv
	mlr --csv filter '($$x =~ "2$$") == ($$y =~ "2$$")' then put -q -f $(HOW)/words.mlr -f $(HOW)/differences.mlr $(VERSUS)/all.csv $(VERSUS)/draws.csv > $@
	rm $(VERSUS)/draws.csv

$(DIR)/styles.txt: $(HOW)/styles.mlr $(VERSUS)/overall.csv $(VERSUS)/languages.csv $(VERSUS)/correlations.csv $(DIR)/layers.csv $(DIR2)/layers.csv
	$(call say,-s one=$(notdir $(MODEL)) -s two=$(notdir $(MODEL2)) -s dir2=$(DIR2)) > $@

$(DIR)/versus.csv: $(VERSUS)/languages.csv
	cp $< $@
$(eval $(call figure,versus,$(HOW)/versus.gp,csv=$(DIR)/versus.csv one=$(notdir $(MODEL)) two=$(notdir $(MODEL2)) spec=$(SPEC)))
$(eval $(call experiment,styles,versus))
