# study.mk - whom does rounding the weights of a multilingual model hurt, by how much, and what tells it beforehand?
# SPDX-License-Identifier: GPL-3.0-or-later
#
#   make -f pipelines/study.mk MODEL=bloom-560m                     all of it, on the Declaration of Human Rights
#   make -f pipelines/study.mk MODEL=bloom-560m noise               one experiment (with what it needs)
#   make -f pipelines/study.mk MODEL=bloom-560m TEXT=flores/devtest STEMS="eng tha fin" BITS=3 PER=group:128
#   make -f pipelines/study.mk MODEL=bloom-560m MODEL2=xglm-564m    and against another model
#
# Everything is measured on one model and one text. Each experiment is a file of its own, which says what is asked, how it is
# measured and, fixed before looking, by which rule the verdict is given; nothing is tuned on what came out. The languages
# are few: intervals are wide, and "not shown" is not "is not so".
#
#   fertility  study/fertility.mk  what the tokenizer charges each language
#   tails      study/tails.mk      how heavy the tails of the weights are, by layer and role
#   use        study/use.mk        which layers each language uses, at two sites, with and without the first token
#   sweep      study/sweep.mk      2 to 8 bits by tensor, channel and group: where each language's cliff is (EXP-009)
#   unequal    study/unequal.mk    damage by language at SPEC: is it there, is it unequal, by byte as by token?
#   noise      study/noise.mk      is it rounding, or does any perturbation of that size do it?
#   explain    study/explain.mk    every predictor against the damage; what script, volume and baseline leave of it
#   styles     study/styles.mk     against MODEL2: the difference of damage, and of what tells it
#
# A model that knows how much it was trained on each language (languages.csv beside it: lang, bytes) is asked whether that
# explains the damage. Knobs beside those of predictors.mk: LIMIT, WIDTHS, GRAINS, GROUP, NOISES, VOLUME.
STUDY  := study
LIMIT  ?= 0.02#                 damage beyond which a language is over its cliff, in the units of DAMAGE
WIDTHS ?= 2 3 4 5 6 7 8#        bits
GRAINS ?= tensor channel group
GROUP  ?= 32#                   weights that share a scale in grain `group`
NOISES ?= 5#                    seeds of noise
WQUANT ?= wquant
SENS   ?= sens
STEPS  := WQUANT SENS
MODEL2 ?=#                      another model, of the same text
KNOBS  := _limit-$(strip $(LIMIT))_group-$(strip $(GROUP))_noises-$(strip $(NOISES))$(if \
	$(filter-out file,$(origin WIDTHS) $(origin GRAINS)),_$(subst $() ,-,$(strip $(WIDTHS) $(GRAINS))))
include pipelines/predictors/measure.mk

HOW     := pipelines/study
FIGURES := $(OUT)/figures/$(notdir $(abspath $(MODEL)))
# $(call say,OPTION...): the first prerequisite, a script, over the others
say      = mlr --csv put -q $(1) -f $(HOW)/words.mlr -f $(filter-out $(HOW)/words.mlr,$^)
# Where no language can be ranked tables have no rows: $(call if_rows,HEADER) COMMAND reads one that may be such
if_rows  = $(HOW)/if-rows.sh $(1)
# $(call experiment,NAME,FIGURE...): a goal that draws its figures and says its verdict
define experiment
.PHONY: $(1)
$(1): $(DIR)/$(1).txt $(foreach f,$(2),$(foreach e,svg pdf png,$(DIR)/$(f).$(e)))
	@cat $$<
findings: $(DIR)/$(1).txt
endef

include $(HOW)/fertility.mk $(HOW)/tails.mk $(HOW)/use.mk $(HOW)/sweep.mk $(HOW)/unequal.mk $(HOW)/noise.mk $(HOW)/explain.mk \
  $(if $(MODEL2),$(HOW)/styles.mk)

findings:
	@echo "$(MODEL) on $(TEXT), $(words $(STEMS)) languages, weights by $(SPEC)"
	@for f in $(filter %.txt,$^); do echo; cat $$f; done
	@echo; echo "figures: $(FIGURES)   tables: $(DIR)"
