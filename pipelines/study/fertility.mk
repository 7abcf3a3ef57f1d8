# fertility.mk - what does the model's tokenizer charge each language for saying the same thing?
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Measured: premium, tokens over those of REFERENCE for the same text; paragraphs drawn in pairs for its 95 % interval.
# Text that is not parallel has no premium: then tokens a word and bytes a token are all there is.
# Decided beforehand: a language pays more than REFERENCE if the whole interval of its premium lies above 1, less if below.

$(DIR)/fertility.csv: $(DIR)/tokens.csv $(FILES) $(call program,TOKSTAT BOOTSTRAP)
ifdef PARALLEL
	$(RUN) $(TOKSTAT) --tokenizer=$(TOKENIZER) --reference=$(REFERENCE) --by=line --threads=$(THREADS) $(SHOWN) | \
	  mlr --csv filter '$$lang != "$(REFERENCE)"' | \
	  $(RESAMPLE) --stat=ratio-of-sums --x=tokens --y=ref_tokens --by=lang --interval=bca | \
	  mlr --csv join --ur -j lang -f /dev/stdin then unsparsify \
	  then cut -o -f lang,script,latin,fertility,bytes_per_token,premium,low,high then sort -nr premium $< > $@
else
	mlr --csv put '$$premium = ""; $$low = ""; $$high = ""' then cut -o -f lang,script,latin,fertility,bytes_per_token,premium,low,high \
	  then sort -nr fertility $< > $@
endif

$(DIR)/fertility.txt: $(HOW)/fertility.mlr $(DIR)/fertility.csv
	$(call say,-s reference=$(REFERENCE)) > $@

$(if $(PARALLEL),$(eval $(call figure,fertility,$(HOW)/fertility.gp,csv=$(DIR)/fertility.csv reference=$(REFERENCE))))
$(eval $(call experiment,fertility,$(if $(PARALLEL),fertility)))
