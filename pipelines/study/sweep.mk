# sweep.mk - EXP-009: how few bits can each language do with, and does it help if fewer weights share a scale?
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Measured: damage at each of WIDTHS with a scale for each tensor, channel and group of GROUP weights; 95 % intervals from
# drawing paragraphs. A language's cliff at a grain is the largest width at which its damage is above LIMIT; where it is
# worse than guessing it is above, and has no cliff where it is so even at the largest width. The cliff's interval reaches from the largest width at which the lower end of the
# damage's interval is above LIMIT to the largest at which the upper end is. 1 means: above it at no width swept.
# Decided beforehand: languages differ in their cliff at a grain if the whole interval of one lies above that of another. A
# finer grain helps a language if the whole interval of its cliff lies below that of the coarser grain's. Since the extremes of many
# languages are compared, the intervals that decide leave out 5 % divided by the number of languages (Bonferroni); figures have 95 %.
# (That was added after a first look, at other weights.)
PER_tensor  := tensor
PER_channel := channel
PER_group   := group:$(strip $(GROUP))

$(GRAINS:%=$(DIR)/sweep-%.csv): $(DIR)/sweep-%.csv: $(MODEL_FILES) $(FILES) $(call program,PPL)
	$(RUN) $(PPL) --model=$(MODEL) --tokenizer=$(TOKENIZER) $(WIDTHS:%=--quant=bits=%$(,)per=$(PER_$*)$(,)clip=$(CLIP)) --by=line \
	  $(WINDOWS) --threads=$(THREADS) $(SHOWN) > $@

# Of one width alone ppl writes no column quant
$(DIR)/sweep-lines.csv: $(GRAINS:%=$(DIR)/sweep-%.csv)
	mlr --csv put 'if (is_absent($$quant)) { $$quant = "bits=$(firstword $(WIDTHS))," }' \
	  then put -f $(HOW)/grain.mlr then cut -x -f quant $^ > $@

# Languages that are worse than guessing have no interval, and stay with empty fields
LEVEL_damage   := 0.95
LEVEL_together := $(shell awk 'BEGIN { print 1 - 0.05 / $(words $(STEMS)) }')
$(DIR)/sweep-damage.csv $(DIR)/sweep-together.csv: $(DIR)/sweep-%.csv: $(DIR)/sweep-lines.csv $(call program,BOOTSTRAP)
	mlr --csv $(WEIGH) $< | $(call if_rows,grain$(,)bits$(,)lang$(,)estimate$(,)low$(,)high) $(RESAMPLE) --stat=ratio-of-sums --x=sum --y=weight --by=grain,bits,lang --interval=percentile \
	  --level=$(LEVEL_$*) | \
	  mlr --csv join --ur -j grain,bits,lang -f /dev/stdin then unsparsify -f estimate,low,high \
	  then cut -o -f grain,bits,lang,estimate,low,high then sort -f grain,lang -nr bits \
	  <(mlr --csv filter '$$tokens > 0' then count-distinct -f grain,bits,lang $<) > $@

$(DIR)/cliffs.csv: $(DIR)/sweep-damage.csv
$(DIR)/cliffs-together.csv: $(DIR)/sweep-together.csv
$(DIR)/cliffs.csv $(DIR)/cliffs-together.csv: $(HOW)/cliffs.mlr
	mlr --csv put -q -s limit=$(LIMIT) -f $(HOW)/cliffs.mlr then sort -f grain -nr cliff,high,low -f lang $(filter %.csv,$^) > $@

$(DIR)/sweep.txt: $(HOW)/words.mlr $(HOW)/sweep.mlr $(DIR)/cliffs-together.csv
	$(call say,-s limit=$(LIMIT) -s measure=$(DAMAGE) -s level=$(LEVEL_together)) > $@

$(DIR)/sweep.csv: $(DIR)/sweep-damage.csv
	cp $< $@
$(eval $(call figure,sweep,$(HOW)/sweep.gp,csv=$(DIR)/sweep.csv measure=$(DAMAGE) limit=$(LIMIT) group=$(GROUP)))
$(eval $(call figure,cliffs,$(HOW)/cliffs.gp,csv=$(DIR)/cliffs.csv measure=$(DAMAGE) limit=$(LIMIT) group=$(GROUP)))
$(eval $(call experiment,sweep,sweep cliffs))
