# model.mk - multilingual models of our own, trained from nothing but text; and which choice in training makes tails heavy.
# SPDX-License-Identifier: GPL-3.0-or-later
#
#   make model                                   a BLOOM-style and an XGLM-style model, on the text of pipelines/text.mk
#   make model STEPS=500 TEXT=some/dir           a short run, on TEXT/train/LANG.txt, held to TEXT/valid/LANG.txt
#   make model-variants                          24 smaller models that differ in one thing each, three seeds a thing
#   make model-variants VARIANTS="base kure" SEEDS=1 V_STEPS=300
#   make -f pipelines/model.mk samples           what the models write: three continuations a language, kept in samples.txt
#   make -f pipelines/model.mk ship              what `make model` gave goes to pipelines/data/models, for the other studies
#   make -f pipelines/model.mk ship-variants     and the variants' tables to pipelines/data/variants, for variants.mk
#
# A run that is stopped goes on where it was when make is called again. 4000 steps of 2048 tokens take the larger models about
# an hour and a half each on one core of 2021; STEPS is the knob, the rate of learning falls over the last COOLDOWN of them.
# Same text, tokenizer, size and seeds: what differs between models is in options_NAME below and nothing else.
#
# Decided beforehand: a model is good enough to be studied if it needs fewer bits a byte of held-out text than gzip -9 in every language.
include pipelines/lib.mk
.DEFAULT_GOAL := model

TEXT     ?= $(OUT)/text
STEMS    ?= eng fra deu_1996 vie rus cmn_hans tur fin kor heb tha hin jpn arb
MODELS   ?= bloom xglm
SEED     ?= 1

# Of the tokenizer
VOCAB    ?= 8192
TOKENIZER_TEMPERATURE ?= 2

# Of the models: shape, batch, schedule
LAYERS   ?= 12
WIDTH    ?= 160
HEADS    ?= 5
CONTEXT  ?= 256
BATCH    ?= 8
STEPS    ?= 4000
WARMUP   ?= 200
RATE     ?= 0.002
COOLDOWN ?= 0.3
TEMPERATURE ?= 1.5#                        languages are drawn with probability bytes^(1/T)
VALID_TOKENS ?= 8192#                      of each language, while training

# Of the variants
VARIANTS ?= base kure attention-dropout balanced no-embed-norm embed-begun sinusoidal embed-scale xglm
SEEDS    ?= 1 2 3
V_LAYERS ?= 6
V_WIDTH  ?= 96
V_HEADS  ?= 3
V_STEPS  ?= 2000
KURE     ?= 0.1
SPECS    ?= bits=4,per=channel bits=3,per=channel
LINES    ?= 200#                           of each language's validation text, for the damage

TOKTRAIN ?= toktrain
LMTRAIN  ?= lmtrain
PPL      ?= ppl
LMSAMPLE ?= lmsample
MODELCAT ?= modelcat

HOW   := pipelines/model
SHAPE := v$(VOCAB)-t$(TOKENIZER_TEMPERATURE)_c$(CONTEXT)-b$(BATCH)_rate-$(RATE)_warmup-$(WARMUP)_cooldown-$(COOLDOWN)_temperature-$(TEMPERATURE)$(call \
	swapped,TEXT STEMS TOKTRAIN LMTRAIN)
DIR   := $(OUT)/model/$(SHAPE)
LARGE := $(DIR)/l$(LAYERS)-w$(WIDTH)-h$(HEADS)_steps-$(STEPS)_seed-$(SEED)
SMALL := $(DIR)/l$(V_LAYERS)-w$(V_WIDTH)-h$(V_HEADS)_steps-$(V_STEPS)_kure-$(KURE)
TRAIN := $(STEMS:%=$(TEXT)/train/%.txt)
VALID := $(STEMS:%=$(TEXT)/valid/%.txt)
SAMPLE := $(STEMS:%=$(DIR)/sample-$(LINES)/%.txt)
RUNS  := $(foreach v,$(VARIANTS),$(foreach s,$(SEEDS),$(SMALL)/$(v)-seed$(s)))
$(shell mkdir -p $(LARGE) $(RUNS) $(DIR)/baselines $(DIR)/sample-$(LINES))

# XGLM's embedding begins as its authors' does, with 1 / sqrt(width), and is scaled by its inverse: at 0.02, positions (0.7) drown the
# tokens and it learns late. So sinusoidal has both too, and is held against embed-begun, one difference: in front of a norm a scale
# says nothing where no positions are added. For the same reason embed-scale is tried without the norm, against no-embed-norm.
root = $(shell awk -v w='$(if $(variant),$(V_WIDTH),$(WIDTH))' 'BEGIN { print w^($(1) * 0.5) }')
options_bloom             := --arch=bloom
options_xglm               = --arch=xglm --embed-sd=$(call root,-1)
options_base              := --arch=bloom
options_kure              := --arch=bloom --kure=$(KURE)
options_attention-dropout := --arch=bloom --attention-dropout=0.1
options_balanced          := --arch=bloom --temperature=inf
options_no-embed-norm     := --arch=bloom --override=embed_norm=false
options_embed-begun        = --arch=bloom --embed-sd=$(call root,-1)
options_sinusoidal         = --arch=bloom --embed-sd=$(call root,-1) --override=position=sinusoidal,embed_scale=$(call root,1)
options_embed-scale        = --arch=bloom --override=embed_norm=false,embed_scale=$(call root,1)
$(foreach m,$(MODELS) $(VARIANTS),$(if $(options_$(m)),,$(error $(m): no such model: there is no options_$(m))))

# What would be missed after hours only: the compressors that models are held against
needed  := $(if $(filter model ship %/honest.csv,$(or $(MAKECMDGOALS),model)),gzip 7z xz)
missing := $(strip $(foreach p,$(needed),$(if $(shell command -v $(p)),,$(p))))
$(if $(missing),$(error not installed: $(missing): run make deps-model))

.PHONY: model samples variants ship ship-variants
model: $(LARGE)/honest.csv $(LARGE)/samples.txt
	@mlr --icsv --opprint --ofmt %.3f cat $<
	@for m in $(MODELS); do mlr --icsv --onidx put -q -s model=$$m -f $(HOW)/honest.mlr $<; done
	@echo "model: $(MODELS:%=$(LARGE)/%-style) $(LARGE)/samples.txt"

ifeq ($(origin TEXT)$(origin STEMS),filefile)
$(TRAIN) $(VALID) &:
	$(MAKE) -f pipelines/text.mk
endif

# ---- 1. tokenizer and models

$(DIR)/tokenizer.json: $(TRAIN)
	$(RUN) $(TOKTRAIN) --vocab-size=$(VOCAB) --temperature=$(TOKENIZER_TEMPERATURE) --threads=$(THREADS) --output=$@ $(TRAIN)

TEACH = $(LMTRAIN) --tokenizer=$(DIR)/tokenizer.json --context=$(CONTEXT) --batch=$(BATCH) --warmup=$(WARMUP) \
	--learning-rate=$(RATE) --cooldown=$(COOLDOWN) --floor=0.05 --temperature=$(TEMPERATURE) --valid=$(TEXT)/valid \
	--valid-tokens=$(VALID_TOKENS) --log-every=50 --checkpoint-every=250 --resume --threads=$(THREADS)

# Not made again when the program changes: hours are at stake, and remove -style/ is all it takes to go on from the
# checkpoint.
$(LARGE)/%-style/config.json: $(DIR)/tokenizer.json | $(VALID)
	rm -rf $(@D)
	$(RUN) $(TEACH) $(options_$*) --layers=$(LAYERS) --width=$(WIDTH) --heads=$(HEADS) --steps=$(STEPS) --seed=$(SEED) \
	  --valid-every=500 --checkpoint=$(LARGE)/$*.safetensors --log=$(LARGE)/$*.csv --output=$(@D) $(TRAIN)

# How much text of each language there is: what study.mk holds against the damage
$(DIR)/languages.csv: $(TRAIN)
	wc -c $^ | awk -v OFS=, 'BEGIN { print "lang", "bytes" } $$2 != "total" { gsub(/.*\/|[.]txt$$/, "", $$2); print $$2, $$1 }' > $@

SHIPPED_MODELS := pipelines/data/models
ship: $(MODELS:%=$(LARGE)/%-style/config.json) $(DIR)/languages.csv $(LARGE)/honest.csv
	mkdir -p $(SHIPPED_MODELS)
	cp $(LARGE)/honest.csv $(SHIPPED_MODELS)/
	$(foreach m,$(MODELS),rm -rf $(SHIPPED_MODELS)/$(m)-style; \
	  cp -R $(LARGE)/$(m)-style $(SHIPPED_MODELS)/; cp $(LARGE)/$(m).csv $(SHIPPED_MODELS)/$(m)-style/log.csv; \
	  cp $(DIR)/languages.csv $(SHIPPED_MODELS)/$(m)-style/;)

# ---- 2. are they honest? bits a byte of all validation text, against what compressors need for the same bytes: alone, and
# with the language's training text before them, which adds what it teaches (PPMd, an adaptive model of order 8; xz)

$(DIR)/baselines/%.csv: $(TEXT)/train/%.txt $(TEXT)/valid/%.txt $(HOW)/baselines.sh
	$(HOW)/baselines.sh $* $(TEXT)/train/$*.txt $(TEXT)/valid/$*.txt > $@

$(LARGE)/%-style.ppl.csv: $(LARGE)/%-style/config.json $(VALID) $(call program,PPL)
	$(RUN) $(PPL) --model=$(<D) --start='</s>' --context=$(CONTEXT) --threads=$(THREADS) $(VALID) > $@

$(LARGE)/honest.csv: $(MODELS:%=$(LARGE)/%-style.ppl.csv) $(STEMS:%=$(DIR)/baselines/%.csv)
	for m in $(MODELS); do mlr --csv cut -o -f lang,bits_per_byte then rename bits_per_byte,$$m $(LARGE)/$$m-style.ppl.csv > \
	  $(LARGE)/$$m.bits.csv; done
	mlr --csv cat $(STEMS:%=$(DIR)/baselines/%.csv) $(foreach m,$(MODELS),| \
	  mlr --csv join -j lang -f $(LARGE)/$(m).bits.csv) > $@

# And what do they write? Where the first lines of each language's validation text leave off, drawn at random

$(LARGE)/%-style.samples.csv: $(LARGE)/%-style/config.json $(VALID) $(call program,LMSAMPLE)
	$(RUN) $(LMSAMPLE) --model=$(<D) --start='</s>' --lines=3 --prompt-tokens=$$(($(CONTEXT) / 16)) --tokens=$$(($(CONTEXT) / 6)) \
	  --temperature=0.8 --top-p=0.95 --threads=$(THREADS) $(VALID) > $@

$(LARGE)/samples.txt: $(MODELS:%=$(LARGE)/%-style.samples.csv)
	mlr --icsv --oxtab --ofmt %.2f put '$$model = sub(FILENAME, ".*/(.*)[.]samples[.]csv", "\1")' \
	  then cut -o -f lang,line,model,end,nll,prompt,text then sort -f lang -nf line -f model $^ > $@

samples: $(LARGE)/samples.txt
	@cat $<

# ---- 3. one difference at a time: tails by layer and role, loss, and damage, of every variant and seed

$(SMALL)/%/model/config.json: $(DIR)/tokenizer.json | $(VALID)
	rm -rf $(@D)
	$(RUN) $(TEACH) $(options_$(variant)) --layers=$(V_LAYERS) --width=$(V_WIDTH) --heads=$(V_HEADS) --steps=$(V_STEPS) \
	  --seed=$(seed) --valid-every=$(V_STEPS) --checkpoint=$(SMALL)/$*/run.safetensors --log=$(SMALL)/$*/log.csv --output=$(@D) $(TRAIN)
variant = $(if $(findstring -seed,$*),$(firstword $(subst -seed, ,$*)))
seed    = $(lastword $(subst -seed, ,$*))
LABEL   = put -S '$$variant = "$(variant)"; $$seed = "$(seed)"' then reorder -f variant,seed

$(SMALL)/%/tails.csv: $(SMALL)/%/model/config.json $(call program,MODELCAT KURT)
	$(MODELCAT) --compress=0 $(<D) | $(RUN) $(KURT) --by=layer,role,name --crest=128 | \
	  mlr --csv filter 'is_not_empty($$layer) && $$shape =~ "x"' \
	  then cut -o -f layer,role,n,sd,skewness,kurtosis,max_abs,crest_mean then $(LABEL) > $@

$(SMALL)/%/loss.csv: $(SMALL)/%/model/config.json
	mlr --csv tail -n 1 then cut -r -f '^(nll|bits_per_byte)_' then reshape -r '^' -o key,value \
	  then put '$$lang = sub($$key, "^(nll|bits_per_byte)_", ""); $$key = sub($$key, "_" . $$lang . "$$", "")' \
	  then reshape -s key,value then $(LABEL) $(SMALL)/$*/log.csv > $@

$(SMALL)/%/damage.csv: $(SMALL)/%/model/config.json $(SAMPLE) $(call program,PPL)
	$(RUN) $(PPL) --model=$(<D) --start='</s>' --context=$(CONTEXT) $(SPECS:%=--quant=%) --threads=$(THREADS) $(SAMPLE) | \
	  mlr --csv cut -o -f quant,lang,tokens,bytes,ref_nll,delta_nll,delta_bits_per_byte,kl then $(LABEL) > $@
$(DIR)/sample-$(LINES)/%.txt: $(TEXT)/valid/%.txt
	sed $(LINES)q $< > $@

# A row for each step that was logged: the loss of the text trained on, and by layer the mean excess kurtosis of its MLP's matrices
$(SMALL)/%/growth.csv: $(SMALL)/%/model/config.json
	mlr --csv cut -r -f '^(step|loss|kurtosis_[0-9]+)$$' then format-values -f %.5g then $(LABEL) $(SMALL)/$*/log.csv > $@

TABLES := tails loss damage growth
variants: $(TABLES:%=$(SMALL)/%.csv)
	@echo "variants: $^"
$(TABLES:%=$(SMALL)/%.csv): $(SMALL)/%.csv: $(RUNS:=/%.csv)
	mlr --csv cat $^ > $@

SHIPPED := pipelines/data/variants
KNOBS   := $(foreach k,V_LAYERS V_WIDTH V_HEADS V_STEPS BATCH CONTEXT WARMUP RATE COOLDOWN TEMPERATURE KURE,$(k)=$($(k))) SEEDS='$(SEEDS)'
ship-variants: $(TABLES:%=$(SMALL)/%.csv)
	mkdir -p $(SHIPPED)
	cp $^ $(SHIPPED)/
	{ echo "# Variants of one model"; echo; \
	  echo "$(words $(RUNS)) runs, of which only these tables are kept, made by pipelines/model.mk and read by pipelines/variants.mk:"; \
	  echo; echo "    make model-variants $(KNOBS)"; echo; \
	  echo "* All alike: $(V_LAYERS) layers, width $(V_WIDTH), $(V_HEADS) heads, context $(CONTEXT), $(V_STEPS) steps of $(BATCH) texts,"; \
	  echo "  learning rate $(RATE) after $(WARMUP) steps, falling over the last $(COOLDOWN) of them, languages drawn with"; \
	  echo "  probability bytes^(1/$(TEMPERATURE)); vocabulary $(VOCAB); seeds $(SEEDS)."; \
	  echo "* Damage: weights by $(SPECS:%=\`%\`), on the first $(LINES) lines of each language's validation text."; \
	  echo "* Loss: on $(VALID_TOKENS) tokens of each."; echo; \
	  echo "| variant | options of lmtrain |"; echo "|---|---|"; \
	  $(foreach variant,$(VARIANTS),echo "| $(variant) | \`$(options_$(variant))\` |";) } > $(SHIPPED)/README.md
