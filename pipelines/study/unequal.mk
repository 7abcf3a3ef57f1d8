# unequal.mk - does rounding harm each language at all, does it harm them unequally, and does that depend on the denominator?
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Measured at SPEC: the rise of the loss by language, in bits a byte, nats a token, and relative to the language's own loss;
# 95 % intervals from drawing paragraphs. No damage (0) is tested by flipping the signs of paragraphs' damages, exactly up to
# 44 of them, two-sided, with Holm over languages. Inequality is max - median over languages; the largest of noisy numbers is
# always above their median, so its p comes from draws in which every language is moved to the common mean, and its interval is
# mirrored (basic). Languages that are worse than guessing once rounded are refused: their damage ranks nothing.
# Intervals and p are about other paragraphs under this very rounding. Another error of that size may fall otherwise: the seeds in
# noise.mk show how much.
# Decided beforehand: a language loses by more than chance, or gains, if its p by Holm is below 0.05. Damage is unequal if p of
# max - median is below 0.05 by byte and by token; in one of them alone, or relative to the own loss, is said, and is not enough.
# Byte and token agree if the 95 % interval of Spearman's rho between them lies above 0 and non-Latin minus Latin has one sign
# under both; where all languages have one kind of script, rho alone decides.

# Tokens, bytes and nats by line, of languages that are not refused
$(DIR)/nats.csv: $(DIR)/lines.csv
	mlr --csv filter '$$tokens > 0 && is_not_empty($$delta_nll)' \
	  then put '$$nats = $$tokens * $$delta_nll; $$bits = $$nats / log(2); $$ref_nats = $$tokens * $$ref_nll' \
	  then cut -o -f lang,line,tokens,bytes,nats,bits,ref_nats $< > $@

define by_denominator
$(call together,$(DIR)/by-$(1).csv $(DIR)/by-$(1)-draws.csv) &: $(DIR)/nats.csv $(call program,BOOTSTRAP)
	echo lang,stat,x,y,replicate,value > $(DIR)/by-$(1)-draws.csv
	$$(call if_rows,lang$(,)estimate$(,)low$(,)high) $$(RESAMPLE) --stat=ratio-of-sums --x=$(2) --y=$(3) --by=lang --interval=percentile \
	  --samples=$(DIR)/by-$(1)-draws.csv < $$< > $(DIR)/by-$(1).csv
$(DIR)/max-median-$(1).csv: $(HOW)/words.mlr $(HOW)/max-median.mlr $(DIR)/by-$(1).csv $(DIR)/by-$(1)-draws.csv
	$$(call say,-s by=$(1)) > $$@
endef
$(eval $(call by_denominator,byte,bits,bytes))
$(eval $(call by_denominator,token,nats,tokens))
$(eval $(call by_denominator,own-loss,nats,ref_nats))

$(DIR)/no-damage.csv: $(DIR)/nats.csv $(HOW)/holm.mlr $(call program,BOOTSTRAP)
	$(call if_rows,lang$(,)n$(,)p) $(RUN) $(BOOTSTRAP) --permute --stat=sum --x=nats --by=lang --seed=$(SEED) --resamples=$(RESAMPLES) < $< | \
	  mlr --csv put -q -f $(HOW)/holm.mlr then cut -o -f lang,n,p,p_holm,p_method > $@

UNEQUAL := $(call comma,$(foreach d,byte token own-loss,by_$(d) by_$(d)_low by_$(d)_high) n p p_holm)
# One row a language; the refused ones with empty fields
$(DIR)/unequal.csv: $(DIR)/by-byte.csv $(DIR)/by-token.csv $(DIR)/by-own-loss.csv $(DIR)/no-damage.csv $(DIR)/damage.csv $(DIR)/tokens.csv
	mlr --csv join -j lang -f $(DIR)/tokens.csv then cut -o -f lang,script,latin,tokens,bytes,ref_nll,ref_bits_per_byte,nll \
	  $(foreach d,byte token own-loss,then join --ur -j lang -f <(mlr --csv \
	    rename estimate$(,)by_$(d)$(,)low$(,)by_$(d)_low$(,)high$(,)by_$(d)_high \
	    then cut -o -f lang$(,)by_$(d)$(,)by_$(d)_low$(,)by_$(d)_high $(DIR)/by-$(d).csv) then unsparsify) \
	  then join --ur -j lang -f $(DIR)/no-damage.csv then unsparsify -f $(UNEQUAL) \
	  then put '$$order = is_empty($$by_byte) ? -1e9 : $$by_byte' then sort -nr order -f lang \
	  then cut -o -f lang,script,latin,tokens,bytes,ref_nll,ref_bits_per_byte,nll,$(UNEQUAL) \
	  then rename n,paragraphs $(DIR)/damage.csv > $@

$(DIR)/denominators.csv: $(DIR)/unequal.csv $(call program,CORR)
	mlr --csv filter 'is_not_empty($$by_byte)' then cut -o -f by_byte,by_token,by_own-loss $< | \
	  $(call if_rows,x$(,)y$(,)method$(,)estimate$(,)low$(,)high) $(CORR) --method=spearman,kendall > $@

# Non-Latin less Latin script, drawing languages
$(DIR)/script-gap.csv: $(DIR)/unequal.csv $(call program,BOOTSTRAP)
	if [ "$$(mlr --icsv --onidx filter 'is_not_empty($$by_byte)' then count-distinct -f latin then filter '$$count > 1' $< | wc -l)" = 2 ]; \
	then mlr --csv filter 'is_not_empty($$by_byte)' $< | $(RUN) $(BOOTSTRAP) --stat=diff-mean --group=latin --groups=0,1 \
	  --x=by_byte,by_token,by_own-loss --interval=percentile --resamples=$(RESAMPLES) --seed=$(SEED); else echo stat,x,y,n,estimate,low,high; fi > $@

$(DIR)/unequal.txt: $(HOW)/words.mlr $(HOW)/unequal.mlr $(DIR)/unequal.csv $(DIR)/max-median-byte.csv $(DIR)/max-median-token.csv \
    $(DIR)/max-median-own-loss.csv $(DIR)/denominators.csv $(DIR)/script-gap.csv
	$(call say,-s spec=$(SPEC)) > $@

$(eval $(call figure,unequal,$(HOW)/unequal.gp,csv=$(DIR)/unequal.csv spec=$(SPEC)))
$(eval $(call experiment,unequal,unequal))
