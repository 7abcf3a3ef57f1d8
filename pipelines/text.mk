# text.mk - real text in 14 languages to train a small model on, made of Debian's packages; nothing of it is kept in git.
# SPDX-License-Identifier: GPL-3.0-or-later
#
#   make text                                    125 MB to download, 87 MB of text
#   make text SMALL=1                            interfaces and literature only
#   make text CAP=2000000                        at most so many bytes a language: balances what English has too much of
#   make text STEMS="eng swh yor"                other languages; STEMS=all: every one in pipelines/text/languages.csv
#   make text DOWNLOADS=$HOME/debs               what is fetched is kept there; another run, or a cut one, goes on with it
#
# The packages (pipelines/text/sources.csv) are manuals, interfaces, package descriptions, some literature and news: what
# apt offers today, so other bytes next year; versions and checksums are in sources.csv and languages.csv beside the text,
# and those of the text that was made for the shipped models in pipelines/data/text.
# train/STEM.txt and valid/STEM.txt have a paragraph or phrase a line, no line twice, in an order that follows from the
# line and SEED alone. No line shares SHARED bytes with the text that models are measured on (EVALUATION, in any of STEMS'
# languages), or holds a whole line of it of at least half as many, and no line of valid/ shares SHARED bytes with any of
# train/. dropped/ has what this cost.
# Wants apt, and jq, unzip, msgunfmt and uconv: make deps-model.
include pipelines/lib.mk
.DEFAULT_GOAL := text

FOURTEEN   := eng fra deu_1996 vie rus cmn_hans tur fin kor heb tha hin jpn arb
STEMS      ?= $(FOURTEEN)
SMALL      ?=
SOURCES    ?= $(if $(SMALL),,descriptions help mediawiki gnome) office firefox dasher wordpress vlc
CAP        ?=#                                     bytes a language at most; all there is
VALID      ?= 200000#                              bytes a language held out, or a tenth if that is less; what resembles
#                                                  the rest is then dropped of it
SHARED     ?= 48
SEED       ?= 1
EVALUATION ?= $(wildcard $(STEMS:%=pipelines/data/udhr/*/%.txt))
DOWNLOADS  ?= $(OUT)/downloads

HOW      := pipelines/text
RECORDED := pipelines/data/text/languages.csv

changed = $(if $(filter-out file,$(origin $(1))),$(1)=$($(1)))
named   = $(call slug,$(if $(word 10,$(1)),$(firstword $(1)) and $(firstword $(shell cksum <<< '$(1)')),$(1)))#  not too long
KNOBS   := $(strip $(foreach k,STEMS SMALL SOURCES CAP VALID SHARED SEED EVALUATION,$(call changed,$(k))))
DIR     := $(OUT)/text$(if $(KNOBS),/$(call named,$(KNOBS)))
PARTS   := $(OUT)/text/parts$(if $(call changed,SMALL)$(call changed,SOURCES),-$(call slug,$(sort $(SOURCES))))
TREE    := $(OUT)/text/unpacked
ifeq ($(STEMS),all)
override STEMS := $(shell tail -n +2 $(HOW)/languages.csv | cut -d, -f1)
endif

# What cannot work is said before anything is made
unknown := $(filter-out $(shell cut -d, -f1 $(HOW)/languages.csv),$(STEMS))
$(if $(unknown),$(error STEMS: not in $(HOW)/languages.csv: $(unknown)))
unknown := $(filter-out $(shell cut -d, -f1 $(HOW)/sources.csv),$(SOURCES))
$(if $(unknown),$(error SOURCES: not in $(HOW)/sources.csv: $(unknown)))
missing := $(strip $(foreach p,msgunfmt uconv jq unzip,$(if $(shell command -v $(p)),,$(p))))
$(if $(missing),$(error not installed: $(missing): run make deps-model))

$(shell mkdir -p $(DOWNLOADS) $(TREE) $(SOURCES:%=$(PARTS)/%) $(addprefix $(DIR)/,train valid dropped steps))

TEXT := $(foreach s,$(STEMS),$(DIR)/train/$(s).txt $(DIR)/valid/$(s).txt)
.PHONY: text made
text: # one run at a time: those with other knobs have packages and parts in common
	@$(HOW)/alone.sh text $(OUT)/text $(DOWNLOADS) -- $(MAKE) --no-print-directory -f pipelines/text.mk made
made: $(TEXT) $(DIR)/languages.csv $(DIR)/sources.csv
	@mlr --icsv --opprint --ofmt %.4f cut -f stem,script,lines,bytes,share,valid_bytes,evaluation_lines $(DIR)/languages.csv
	@echo "text: $(words $(STEMS)) languages in $(DIR)"
ifndef KNOBS
	@cmp -s $(DIR)/languages.csv $(RECORDED) && echo "text: to the byte what $(RECORDED) says" || \
	  echo "text: not to the byte what $(RECORDED) says: compare sources.csv, apt offers other versions with time"
endif

# ---- 1. fetch and unpack: source|stem|code|package|native, a word for each source that has a language

JOBS := $(shell awk -F, -v sources='$(SOURCES)' -v stems='eng $(STEMS)' -f $(HOW)/jobs.awk \
	pipelines/data/udhr/languages.csv $(HOW)/sources.csv $(HOW)/languages.csv)
job      = $(word $(2),$(subst |, ,$(1)))
silent := $(foreach s,$(STEMS),$(if $(findstring |$(s)|,$(JOBS)),,$(s)))
$(if $(strip $(silent)),$(error none of SOURCES has $(strip $(silent))))
PACKAGES := $(sort $(foreach j,$(JOBS),$(call job,$(j),4)))
SPOKEN   := $(patsubst Translation-%,%,$(filter Translation-%,$(PACKAGES)))
INDEX    := $(DOWNLOADS)/index-$(or $(call slug,$(SPOKEN)),none)

$(INDEX):
	$(HOW)/fetch.sh --index $(DOWNLOADS) $(SPOKEN)
	touch $@
$(DOWNLOADS)/%.csv: | $(INDEX)
	$(HOW)/fetch.sh $(DOWNLOADS) $* > $@.tmp && mv $@.tmp $@
$(TREE)/%.done: $(DOWNLOADS)/%.csv $(HOW)/unpack.sh
	$(HOW)/unpack.sh $< $(TREE)/$*
	touch $@

# ---- 2. clean: $(PARTS)/SOURCE/STEM.txt. English comes first: what is English in another language was not translated.

# NUL becomes another control character, since awks disagree about it; clean.awk drops lines that have any
NFC := iconv -c -f utf-8 -t utf-8 | uconv -f utf-8 -t utf-8 -x any-nfc | tr '\000' '\001'
define part
$(PARTS)/$(1)/$(2).txt: $(TREE)/$(4).done $(wildcard $(HOW)/*.awk $(HOW)/*.sed $(HOW)/extract.sh) $(if $(filter-out eng,$(2)),$(PARTS)/english.txt)
	$(HOW)/extract.sh $(1) $(3) $(TREE)/$(4) | $(NFC) | awk -v native=$(5) -v english=$$(filter %/english.txt,$$^) -f $(HOW)/clean.awk > $$@
$(if $(filter eng,$(2)),$(PARTS)/english.txt: $(PARTS)/$(1)/$(2).txt)
$(DIR)/steps/$(2).pool: $(PARTS)/$(1)/$(2).txt
endef
$(foreach j,$(JOBS),$(eval $(call part,$(call job,$(j),1),$(call job,$(j),2),$(call job,$(j),3),$(call job,$(j),4),$(call job,$(j),5))))

$(PARTS)/english.txt:
	cat /dev/null $^ | sort -u > $@

# ---- 3. shuffle, and drop what the evaluation text has too

$(DIR)/steps/%.pool: $(DIR)/steps/evaluation $(HOW)/hash.awk $(HOW)/shared.awk
	cat $(filter $(PARTS)/%,$^) | awk -v seed=$(SEED) -f $(HOW)/hash.awk | sort -u | cut -f2- | \
	  awk -v n=$(SHARED) -v keep=second -v dropped=$(DIR)/dropped/evaluation-$*.txt -f $(HOW)/shared.awk $< - > $@
$(DIR)/steps/evaluation: $(EVALUATION)
	cat /dev/null $^ > $@

# ---- 4. hold out: the first VALID bytes or tenth; of these, what shares nothing with the rest

between = awk -v from=$(1) -v to=$(2) '(at += length($$0) + 1) > from && at <= to'
held    = $$(wc -c < $< | awk '{ n = int($$1 / 10); print n < $(VALID) ? n : $(VALID) }')
$(DIR)/steps/%.held: $(DIR)/steps/%.pool
	$(call between,0,$(held)) $< > $@
$(DIR)/steps/%.rest: $(DIR)/steps/%.pool
	$(call between,$(held),1e15) $< > $@
$(DIR)/valid/%.txt: $(DIR)/steps/%.held $(DIR)/steps/%.rest
	awk -v n=$(SHARED) -v keep=first -v dropped=$(DIR)/dropped/valid-$*.txt -f $(HOW)/shared.awk $^ > $@
$(DIR)/train/%.txt: $(DIR)/steps/%.rest
	$(call between,0,$(or $(CAP),1e15)) $< > $@

# ---- 5. what there is

$(DIR)/languages.csv: $(TEXT) $(HOW)/index.sh
	$(HOW)/index.sh $(DIR) $(STEMS) < pipelines/data/udhr/languages.csv > $@
$(DIR)/sources.csv: $(TEXT)
	@echo source,stem,package,version,package_bytes,sha256,lines,bytes > $@
	@for job in $(foreach j,$(JOBS),'$(j)'); do \
	  IFS='|' read -r source stem _ package _ <<< "$$job"; IFS=, read -r _ version _ size sha256 < $(DOWNLOADS)/$$package.csv; \
	  echo "$$source,$$stem,$$package,$$version,$$size,$$sha256,$$(wc -lc < $(PARTS)/$$source/$$stem.txt | awk '{ print $$1 "," $$2 }')"; \
	done >> $@
