# recorded.mk - the published study of BLOOM-560M, re-analysed from the numbers that it recorded.
#
# Question: which of the published claims about BLOOM-560M follow from the recorded numbers, how sure are they, and what
# is left of them once script is held fixed? (EXP-001, 003, 004, 005, 007, 008 and 009b; damage is the study's own column,
# read off figures of a paper on other models, so this tests the reasoning, not the models.)
#
#   make -f pipelines/recorded.mk                       (about half a minute)
#   make -f pipelines/recorded.mk RESAMPLES=1000        (a quick look)
#   make -B -n -f pipelines/recorded.mk                 (every command, run or not; without -B only what is still to do)
#
# Decided beforehand: a published number "reproduces" when the recomputed one rounds to it, or, where it was resampled,
# lies within the Monte Carlo tolerance in recorded/claims.csv; intervals are BCa, 95 %; permutation p are exact.

include pipelines/lib.mk
RESAMPLES ?= 400000
SEED      ?= 1
RECORDED  ?= pipelines/data
HERE      := pipelines/recorded
DIR       := $(OUT)/recorded/resamples$(RESAMPLES)-seed$(SEED)$(call swapped,CORR BOOTSTRAP)
$(shell mkdir -p $(DIR))

comma      := ,
list        = $(subst $() $(),$(comma),$(strip $(1)))
METHODS    := pearson,spearman,kendall
HEADLINES  := outlier_frac combined_frac weighted_kurtosis xglm_weighted_kurtosis
CONTROLS   := high_frac tokens total_activation bloom_premium bloom2b5_bits_per_byte latin
THEORY     := predicted_degradation effective_kurtosis optimal_alpha_sigma pred_fixed keff16_deviation2
MOCK       := mock_kurtosis mock_outlier_ratio
GIVEN      := latin in_roots log10_roots_bytes bloom_premium latin+in_roots latin+bloom_premium latin+in_roots+bloom_premium

# ---- the tables

$(DIR)/langs.csv: $(HERE)/langs.sh $(HERE)/theory.mlr $(wildcard $(RECORDED)/*.csv)      # one row a language
	$(HERE)/langs.sh $(RECORDED) > $@

$(DIR)/layers.csv: $(RECORDED)/bloom560m-layers.csv $(RECORDED)/xglm564m-layers.csv      # one row a layer
	mlr --csv join -j layer -f <(mlr --csv rename kurtosis,xglm_kurtosis $(word 2,$^)) then sort -n layer $< > $@

# ---- correlations

CORR_BIN := $(call program,CORR)

# Every predictor against the damage claimed; the controls; the study's mock, whose inputs were invented.
$(DIR)/corr.csv: $(DIR)/langs.csv $(CORR_BIN)
	$(CORR) --method $(METHODS) --exact never --adjust holm,bh --y degradation \
	  --x $(call list,$(HEADLINES) $(CONTROLS) $(THEORY) $(MOCK)) $< > $@

# Which of these are one measurement, or one formula, under two names.
$(DIR)/identities.csv: $(DIR)/langs.csv $(CORR_BIN)
	$(CORR) --method pearson,spearman --x outlier_frac \
	  --y effective_kurtosis,predicted_degradation,weighted_kurtosis,latin $< > $@

# What the theory says against itself, and against the damage.
$(DIR)/theory.csv: $(DIR)/langs.csv $(CORR_BIN)
	$(CORR) --x keff16_deviation2 --y gain_published,gain_fixed,degradation $< > $@

# What is left of the two predictors given script, training data and tokenisation ...
$(DIR)/partial-%.csv: $(DIR)/langs.csv $(CORR_BIN)
	$(CORR) --x outlier_frac,weighted_kurtosis --y degradation --given $(subst +,$(comma),$*) $< > $@

# ... and inside each script, and inside BLOOM's training languages.
$(DIR)/within-%.csv: $(DIR)/langs.csv $(CORR_BIN)
	$(CORR) --x outlier_frac --y degradation --by $* $< > $@

# BLOOM against XGLM: two correlations that share the damage.
$(DIR)/compare.csv: $(DIR)/langs.csv $(CORR_BIN)
	$(CORR) --compare --x weighted_kurtosis,xglm_weighted_kurtosis --y degradation $< > $@

$(DIR)/depth.csv: $(DIR)/layers.csv $(CORR_BIN)
	$(CORR) --method pearson,spearman --x layer,max_abs,outlier_pct --y kurtosis,xglm_kurtosis $< > $@

# ---- resampling

BOOT_BIN := $(call program,BOOTSTRAP)

$(call together,$(DIR)/interval-%.csv $(DIR)/draws-%.csv) &: $(DIR)/langs.csv $(BOOT_BIN)
	$(RUN) $(BOOTSTRAP) --stat pearson --x $* --y degradation --interval percentile,bca --resamples $(RESAMPLES) \
	  --seed $(SEED) --threads $(THREADS) --samples $(DIR)/draws-$*.csv $< > $(DIR)/interval-$*.csv

# Exact, by enumeration: all 14! orders, or the 6! 8! that keep each script to itself.
$(DIR)/permutation-%.csv: $(DIR)/langs.csv $(BOOT_BIN)
	for tail in less greater two-sided; do \
	  $(RUN) $(BOOTSTRAP) --permute --exact always --stat pearson --x $* --y degradation --alternative $$tail $<; \
	done | mlr --icsvlite --ocsv --allow-ragged-csv-input filter '$$stat != "stat"' > $@

$(DIR)/within-script-%.csv: $(DIR)/langs.csv $(BOOT_BIN)
	for tail in less greater; do \
	  $(RUN) $(BOOTSTRAP) --permute --exact always --strata latin --stat pearson --x $* --y degradation --alternative $$tail $<; \
	done | mlr --icsvlite --ocsv --allow-ragged-csv-input filter '$$stat != "stat"' > $@

# Draws of both nulls for the figure (14! values are too many to keep).
NULL := $(RUN) $(BOOTSTRAP) --permute --exact never --stat pearson --x outlier_frac --y degradation --resamples 200000 --seed $(SEED)
$(DIR)/draws-free.csv: $(DIR)/langs.csv $(BOOT_BIN)
	$(NULL) --samples $@ $< > /dev/null
$(DIR)/draws-within.csv: $(DIR)/langs.csv $(BOOT_BIN)
	$(NULL) --strata latin --samples $@ $< > /dev/null

$(DIR)/leave-one-out.csv: $(DIR)/langs.csv $(BOOT_BIN)
	$(RUN) $(BOOTSTRAP) --leave-one-out --id lang --stat pearson --x outlier_frac --y degradation $< > $@

# Latin script against the others.
$(DIR)/groups.csv: $(DIR)/langs.csv $(BOOT_BIN)
	$(RUN) $(BOOTSTRAP) --stat diff-mean,ratio-mean --group latin --groups 0,1 --x degradation --interval bca \
	  --resamples $(RESAMPLES) --seed $(SEED) --threads $(THREADS) $< > $@

$(DIR)/mann-whitney-%.csv: $(DIR)/langs.csv $(BOOT_BIN)
	$(RUN) $(BOOTSTRAP) --permute --exact always --stat mann-whitney --group latin --groups 0,1 --x $* $< > $@

# Where the ends of a 95 % interval from 10 000 resamples, as published, fall in 95 of 100 runs: quantiles of our draws at
# 2.5 % and 97.5 %, give or take 1.96 sqrt(0.025 0.975 / 10000) = 0.306 %.
$(DIR)/published-resamples.csv: $(DIR)/draws-outlier_frac.csv
	mlr --icsv --ocsv stats1 -i -a p2.194,p2.806,p97.194,p97.806 -f value $< > $@

# ---- every number under its id, and the claims against them

TABLES := langs layers corr identities theory compare depth leave-one-out groups published-resamples \
  $(GIVEN:%=partial-%) within-latin within-in_roots $(HEADLINES:%=interval-%) $(HEADLINES:%=permutation-%) \
  $(HEADLINES:%=within-script-%) mann-whitney-degradation mann-whitney-outlier_frac

$(DIR)/values.csv: $(HERE)/values.mlr $(TABLES:%=$(DIR)/%.csv) $(RECORDED)/gpt2-int4.csv $(RECORDED)/model-census.csv
	mlr --icsv --ocsv put -q -f $^ > $@

$(DIR)/claims.csv: $(HERE)/claims.mlr $(DIR)/values.csv $(HERE)/claims.csv
	mlr --icsv --ocsv put -q -f $^ > $@

# ---- figures

# Labels go to the right of their point, or to the left where another point is in the way.
$(DIR)/headline.csv: $(DIR)/langs.csv
	mlr --icsv --ocsv put -q -f $(HERE)/label-sides.mlr $< > $@

# The line and its band: slope and intercept of the same resamples, and at each x the quantiles of what they say.
$(DIR)/lines.csv: $(DIR)/langs.csv $(BOOT_BIN)
	$(RUN) $(BOOTSTRAP) --stat slope,intercept --x outlier_frac --y degradation --resamples 4000 --seed $(SEED) --samples $@ $< > /dev/null

$(DIR)/band.csv: $(DIR)/lines.csv $(HERE)/band.mlr
	mlr --icsv --ocsv reshape -s stat,value then put -q -f $(HERE)/band.mlr then stats1 -i -a p2.5,p50,p97.5 -f y -g x $< > $@

$(eval $(call figure,headline,pipelines/plot/recorded-headline.gp,csv=$(DIR)/headline.csv band=$(DIR)/band.csv values=$(DIR)/values.csv))

$(DIR)/bootstrap.csv: $(HERE)/histogram.mlr $(DIR)/draws-outlier_frac.csv
	mlr --icsv --ocsv put -q -s width=0.01 -f $^ > $@
$(eval $(call figure,bootstrap,pipelines/plot/recorded-bootstrap.gp,csv=$(DIR)/bootstrap.csv interval=$(DIR)/interval-outlier_frac.csv))

$(DIR)/permutation.csv: $(HERE)/histogram.mlr $(DIR)/draws-free.csv $(DIR)/draws-within.csv
	mlr --icsv --ocsv put -q -s width=0.02 -f $^ > $@
$(eval $(call figure,permutation,pipelines/plot/recorded-permutation.gp,csv=$(DIR)/permutation.csv values=$(DIR)/values.csv))

$(DIR)/left-out.csv: $(DIR)/leave-one-out.csv $(DIR)/langs.csv
	mlr --icsv --ocsv rename left_out,lang then join -j lang -f $(DIR)/langs.csv then cut -f name,latin,estimate \
	  then sort -nf estimate then cat -n -N rank $< > $@
$(eval $(call figure,left-out,pipelines/plot/recorded-leave-one-out.gp,csv=$(DIR)/left-out.csv values=$(DIR)/values.csv))

$(DIR)/layer-kurtosis.csv: $(DIR)/layers.csv
	cp $< $@
$(eval $(call figure,layer-kurtosis,pipelines/plot/recorded-layer-kurtosis.gp,csv=$(DIR)/layer-kurtosis.csv))

$(DIR)/claims-r.csv: $(DIR)/claims.csv
	mlr --csv filter '$$quantity =~ "^(r|partial r)$$" && $$experiment != "EXP-008"' then cat -n -N rank $< > $@
$(eval $(call figure,claims-r,pipelines/plot/recorded-claims.gp,csv=$(DIR)/claims-r.csv))

# ---- in words

$(DIR)/findings.txt: $(DIR)/claims.csv $(HERE)/findings.mlr
	mlr --icsv --onidx put -q -f $(HERE)/findings.mlr $< > $@

findings: $(DIR)/claims.csv $(DIR)/findings.txt
	@cat $(DIR)/findings.txt
